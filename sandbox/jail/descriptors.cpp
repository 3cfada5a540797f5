#include "sandbox/jail/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace crucible {
namespace {

constexpr int kParking = 100;  // numbers above every target

int park(int fd) {
  const int parked = ::fcntl(fd, F_DUPFD_CLOEXEC, kParking);
  if (parked < 0) throw std::system_error(errno, std::generic_category(), "dup of descriptor " + std::to_string(fd));
  return parked;
}

void close_between(unsigned first, unsigned last) {
  if (first > last) return;
  if (::syscall(SYS_close_range, first, last, 0) == 0) return;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  for (unsigned fd = first; fd <= std::min<unsigned>(last, static_cast<unsigned>(limit.rlim_cur)); ++fd)
    ::close(static_cast<int>(fd));
}

}  // namespace

void keep_only(const std::vector<std::pair<int, int>>& wanted, std::initializer_list<int*> keep) {
  std::vector<std::pair<int, int>> parked;
  for (const auto& [source, number] : wanted) parked.emplace_back(park(source), number);
  std::vector<int> survivors;
  for (int* fd : keep)
    if (*fd >= 0) survivors.push_back(*fd = park(*fd));
  for (const auto& [source, number] : parked) {
    if (::dup2(source, number) < 0) throw std::system_error(errno, std::generic_category(), "dup2");
    survivors.push_back(number);
  }
  std::sort(survivors.begin(), survivors.end());
  unsigned next = 0;
  for (const int fd : survivors) {
    const unsigned number = static_cast<unsigned>(fd);
    if (number > next) close_between(next, number - 1);
    next = number + 1;
  }
  close_between(next, ~0u);
}

}  // namespace crucible
