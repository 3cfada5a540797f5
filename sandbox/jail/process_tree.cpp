#include "sandbox/jail/process_tree.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

namespace crucible {
namespace {

std::vector<pid_t> numbers_in(const std::string& folder) {
  std::vector<pid_t> numbers;
  DIR* directory = ::opendir(folder.c_str());
  if (directory == nullptr) return numbers;
  while (const dirent* entry = ::readdir(directory))
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) != 0) numbers.push_back(std::atoi(entry->d_name));
  ::closedir(directory);
  return numbers;
}

pid_t parent_of(pid_t process) {
  const std::string path = "/proc/" + std::to_string(process) + "/stat";
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return -1;
  char line[1024];
  const std::size_t size = std::fread(line, 1, sizeof line - 1, file);
  std::fclose(file);
  line[size] = 0;
  const char* after_name = std::strrchr(line, ')');  // the name may hold anything, parentheses too
  int parent = -1;
  char state = 0;
  if (after_name == nullptr || std::sscanf(after_name + 1, " %c %d", &state, &parent) != 2) return -1;
  return parent;
}

}  // namespace

std::vector<pid_t> ProcessTree::descendants() const {
  std::map<pid_t, pid_t> parents;
  for (const pid_t process : numbers_in("/proc")) parents[process] = parent_of(process);
  std::vector<pid_t> found;
  const pid_t self = ::getpid();
  for (const auto& [process, parent] : parents) {
    pid_t ancestor = parent;
    for (int depth = 0; depth < 1000 && ancestor > 0 && ancestor != self; ++depth) {
      const auto next = parents.find(ancestor);
      ancestor = next == parents.end() ? -1 : next->second;
    }
    if (ancestor == self && process != self) found.push_back(process);
  }
  return found;
}

void ProcessTree::signal_all(int number) const {
  if (pid_namespace_) {
    ::kill(-1, number);  // everything in the namespace but the caller
    return;
  }
  ::kill(first_, number);
  for (const pid_t process : descendants())
    if (process != first_) ::kill(process, number);
}

void ProcessTree::kill_all(bool first_is_reaped) const {
  if (!first_is_reaped) ::kill(first_, SIGKILL);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (std::chrono::steady_clock::now() < deadline) {
    if (pid_namespace_) {
      ::kill(-1, SIGKILL);
    } else {
      for (const pid_t process : descendants()) ::kill(process, SIGKILL);
    }
    bool any = false;
    for (;;) {
      siginfo_t info{};
      if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return;  // no child is left
      any = true;
      if (info.si_pid == 0) break;  // children, none dead yet
      if (info.si_pid == first_ && !first_is_reaped) return;
      ::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG);
    }
    if (any) ::usleep(200);
  }
}

std::vector<pid_t> ProcessTree::tasks() const {
  std::vector<pid_t> processes = pid_namespace_ ? numbers_in("/proc") : descendants();
  if (std::find(processes.begin(), processes.end(), first_) == processes.end()) processes.push_back(first_);
  std::vector<pid_t> all;
  for (const pid_t process : processes) {
    if (process == ::getpid()) continue;
    const std::vector<pid_t> threads = numbers_in("/proc/" + std::to_string(process) + "/task");
    all.insert(all.end(), threads.begin(), threads.end());
  }
  if (all.empty()) all.push_back(first_);
  return all;
}

std::size_t ProcessTree::thread_count() const { return numbers_in("/proc/" + std::to_string(first_) + "/task").size(); }

}  // namespace crucible
