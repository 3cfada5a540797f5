#include "sandbox/warden/client.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "sandbox/compile/compile_jail.h"
#include "sandbox/jail/spec.h"
#include "sandbox/runner/runner_jail.h"
#include "sandbox/warden/start.h"

extern "C" char** environ;

namespace crucible {
namespace {

using std::chrono::milliseconds;

constexpr std::array kLevels = {"container", "user", "full"};
constexpr int kCompilations = 3;  // of one source whose compiler is killed by something outside every time

int rank_of(const std::string& level) {
  for (std::size_t i = 0; i < kLevels.size(); ++i)
    if (level == kLevels[i]) return static_cast<int>(i);
  return -1;
}

// What a trusted helper inherits: where things are, never what the trainer keeps secret.
std::vector<std::string> helper_environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    for (const char* prefix : {"PATH=", "HOME=", "TMPDIR=", "LD_LIBRARY_PATH=", "CRUCIBLE_", "CUDA_", "NVIDIA_"})
      if (std::strncmp(*entry, prefix, std::strlen(prefix)) == 0) environment.emplace_back(*entry);
  }
  environment.emplace_back("LC_ALL=C");
  return environment;
}

// Something outside killed the compiler's driver or a part of it (they say so in lines of their own): the source is not
// refused yet. A text that imitates the lines is only compiled again.
bool compiler_was_struck(const CompileResult& result) {
  if (result.status != CompileResult::Status::error) return false;
  if (struck_from_outside(result.fate)) return true;
  const std::string& text = result.diagnostics;
  return text.find("fatal error: Killed signal terminated program") != std::string::npos ||
         text.find("terminated with signal 9 [Killed]") != std::string::npos;
}

}  // namespace

WardenClient::WardenClient(FileDescriptor socket, pid_t process)
    : owner_(::getpid()), process_(process), channel_(std::move(socket)) {}

void WardenClient::greet() { hello_ = unpack_isolation_answer(ask(kHello, "").body); }

WardenClient::~WardenClient() {
  const bool ours = ::getpid() == owner_;
  channel_ = Channel(FileDescriptor());  // end-of-file ends the warden; a forked copy only closes its own descriptor
  if (!ours || process_ <= 0) return;
  for (int tries = 0; tries < 300; ++tries) {
    if (::waitpid(process_, nullptr, WNOHANG) != 0) return;
    std::this_thread::sleep_for(milliseconds(tries < 50 ? 1 : 10));
  }
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

Message WardenClient::ask(const std::string& type, const std::string& body, std::span<const int> descriptors) {
  if (::getpid() != owner_) throw WardenLost("this process was forked: its parent's warden is not its own");
  std::unique_lock lock(mutex_);
  const std::uint64_t id = next_id_++;
  if (!channel_.send(id, type, body, descriptors)) throw WardenLost("the warden is gone");
  for (;;) {
    if (auto answer = answers_.extract(id)) {
      if (answer.mapped().type == kError) throw std::runtime_error("warden: " + answer.mapped().body);
      return std::move(answer.mapped());
    }
    if (!channel_.open()) throw WardenLost("the warden is gone");
    if (somebody_reads_) {
      answered_.wait(lock);
      continue;
    }
    somebody_reads_ = true;
    pollfd waiting{channel_.descriptor(), POLLIN, 0};
    lock.unlock();
    ::poll(&waiting, 1, 1000);
    lock.lock();
    somebody_reads_ = false;
    while (auto message = channel_.receive(milliseconds(0))) answers_[message->id] = std::move(*message);
    answered_.notify_all();
  }
}

FileDescriptor WardenClient::start_jail(const JailSpec& spec, std::span<const int> descriptors) {
  Message answer = ask(kJail, spec.pack(), descriptors);
  if (answer.descriptors.empty()) throw std::runtime_error("warden: an answer without its descriptor");
  return std::move(answer.descriptors.front());
}

CompileResult WardenClient::compile(const CompileRequest& request, std::stop_token stop) {
  const StartJail start = [this](const JailSpec& spec, std::span<const int> passed) {
    return start_jail(spec, passed);
  };
  for (int compilation = 1;; ++compilation) {
    CompileResult result = compile_in_jail(request, start, stop);
    if (result.status == CompileResult::Status::infrastructure)
      ask(kHello, "");  // throws when all of the warden is gone
    if (compilation == kCompilations || !compiler_was_struck(result)) return result;
  }
}

std::unique_ptr<Runner> WardenClient::spawn_runner(const RunnerRequest& request) {
  return start_runner(request,
                      [this](const JailSpec& spec, std::span<const int> passed) { return start_jail(spec, passed); });
}

void WardenClient::freeze_compilations(bool freeze) { ask(kFreeze, freeze ? "1" : "0"); }

FileDescriptor WardenClient::spawn_trusted(const std::string& executable, const std::vector<std::string>& arguments) {
  Message answer = ask(kTrusted, pack(TrustedRequest{executable, arguments, helper_environment()}));
  if (answer.descriptors.empty()) throw std::runtime_error("warden: an answer without its descriptor");
  return std::move(answer.descriptors.front());
}

std::shared_ptr<Warden> Warden::launch(const WardenOptions& options) {
  if (!options.demanded_level.empty() && rank_of(options.demanded_level) < 0)
    throw std::runtime_error("sandbox level \"" + options.demanded_level + "\" is none of container, user, full");
  StartedWarden started = start_warden(options.libexec.empty() ? libexec_directory() : options.libexec);
  auto client = std::make_shared<WardenClient>(std::move(started.socket), started.process);
  client->greet();
  const std::string level = client->isolation().level;
  if (rank_of(level) < rank_of(options.demanded_level))
    throw std::runtime_error("sandbox level \"" + options.demanded_level + "\" is demanded but this host reaches \"" +
                             level + "\": " + client->missing());
  return client;
}

std::shared_ptr<Warden> Warden::adopt(FileDescriptor socket) {
  auto client = std::make_shared<WardenClient>(std::move(socket), -1);
  client->greet();
  return client;
}

}  // namespace crucible
