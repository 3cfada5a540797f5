#include "env/backend/cuda/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

namespace crucible {
namespace {

using Clock = std::chrono::steady_clock;

class ChildProcess final : public WorkerProcess {
 public:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  ~ChildProcess() override { (void)finish(); }

  bool ended() override {
    if (!reaped_ && ::waitpid(pid_, &status_, WNOHANG) == pid_) reaped_ = true;
    return reaped_;
  }

  void kill() override {
    if (!ended()) (void)::kill(pid_, SIGKILL);
  }

  std::string finish() override {
    if (!ended()) {
      (void)::kill(pid_, SIGKILL);
      while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
      }
      reaped_ = true;
    }
    if (WIFSIGNALED(status_)) return std::string("killed by ") + ::strsignal(WTERMSIG(status_));
    return "exited with " + std::to_string(WEXITSTATUS(status_));
  }

 private:
  pid_t pid_;
  int status_ = 0;
  bool reaped_ = false;
};

class SpawnActions {
 public:
  SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

std::unique_ptr<WorkerProcess> spawn_worker(const std::string& executable, const std::vector<std::string>& arguments,
                                            const std::vector<int>& descriptors) {
  SpawnActions actions;
  // First out of the way of the numbers they go to, then down to them.
  std::vector<FileDescriptor> high;
  int target = 3;
  for (const int descriptor : descriptors) {
    high.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, 100));
    if (!high.back()) throw std::system_error(errno, std::generic_category(), "a descriptor for " + executable);
    ::posix_spawn_file_actions_adddup2(actions.get(), high.back().get(), target++);
  }
  ::posix_spawn_file_actions_addclosefrom_np(actions.get(), target);
  std::vector<char*> argv{const_cast<char*>(executable.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::vector<std::string> kept{"PATH=/usr/bin:/bin", "CUDA_MODULE_LOADING=EAGER", "CUDA_CACHE_DISABLE=1",
                                "CUDA_DEVICE_ORDER=PCI_BUS_ID"};
  for (const char* name : {"LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "CRUCIBLE_CUBLASLT"})
    if (const char* value = ::getenv(name)) kept.push_back(std::string(name) + "=" + value);
  std::vector<char*> environment;
  for (std::string& variable : kept) environment.push_back(variable.data());
  environment.push_back(nullptr);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, executable.c_str(), actions.get(), nullptr, argv.data(), environment.data());
  if (error != 0) throw std::system_error(error, std::generic_category(), "starting " + executable);
  return std::make_unique<ChildProcess>(pid);
}

CudaWorker::CudaWorker(std::unique_ptr<WorkerProcess> process, WorkerControl control)
    : process_(std::move(process)), control_(std::move(control)) {}

WorkerOutcome CudaWorker::wait_ready(std::chrono::milliseconds deadline) {
  WorkerOutcome outcome;
  const auto until = Clock::now() + deadline;
  for (;;) {
    const auto state = static_cast<RunnerState>(control_.page().state.load(std::memory_order_acquire));
    if (state == RunnerState::ready) return outcome;
    if (state == RunnerState::load_failed) {
      outcome.return_code = 1;
      outcome.message.assign(control_.page().message, ::strnlen(control_.page().message, kMaxMessage));
      return outcome;
    }
    if (process_->ended()) {
      outcome.status = WorkerOutcome::Status::ended;
      outcome.message = process_->finish();
      return outcome;
    }
    if (Clock::now() > until) {
      outcome.status = WorkerOutcome::Status::timed_out;
      return outcome;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

bool CudaWorker::settled() {
  return control_.page().state.load(std::memory_order_acquire) != static_cast<std::uint32_t>(RunnerState::starting) ||
         process_->ended();
}

WorkerOutcome CudaWorker::await(std::chrono::milliseconds deadline) {
  WorkerOutcome outcome;
  const auto until = Clock::now() + deadline;
  for (std::uint32_t spins = 0; !control_.heard(); ++spins) {
    if (spins % 4096 != 4095) {
      pause_briefly();
      continue;
    }
    if (process_->ended()) {
      outcome.status = WorkerOutcome::Status::ended;
      outcome.message = process_->finish();
      return outcome;
    }
    if (Clock::now() > until) {
      outcome.status = WorkerOutcome::Status::timed_out;
      return outcome;
    }
  }
  outcome.return_code = control_.page().return_code;
  outcome.threw = control_.page().threw != 0;
  if (outcome.return_code != 0 || outcome.threw)
    outcome.message.assign(control_.page().message, ::strnlen(control_.page().message, kMaxMessage));
  return outcome;
}

WorkerOutcome CudaWorker::perform(CudaOperation operation, std::uint32_t call, std::chrono::milliseconds deadline) {
  control_.page().message[0] = '\0';
  control_.ring(operation, call);
  return await(deadline);
}

void CudaWorker::start(CudaOperation operation, std::span<const std::byte> request, std::uint32_t call) {
  control_.put_request(request);
  control_.page().message[0] = '\0';
  control_.ring(operation, call);
}

WorkerOutcome CudaWorker::ask(CudaOperation operation, std::span<const std::byte> request, std::uint32_t call,
                              std::chrono::milliseconds deadline) {
  start(operation, request, call);
  return await(deadline);
}

CudaWorker::Timed CudaWorker::timed(CudaOperation operation, std::uint32_t call, std::chrono::milliseconds deadline) {
  Timed result;
  control_.page().message[0] = '\0';
  const auto begin = Clock::now();
  control_.ring(operation, call);
  result.outcome = await(deadline);
  result.time = Clock::now() - begin;
  return result;
}

WorkerOutcome CudaWorker::wake(std::chrono::milliseconds deadline) {
  control_.park(false);
  return perform(CudaOperation::nothing, 0, deadline);
}

}  // namespace crucible
