#include "env/judge/session.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <new>

namespace crucible {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kMakeWay = std::chrono::milliseconds(5);
constexpr int kSpinsBetweenLooks = 20000;  // about 0.2 ms: a look asks the kernel whether the runner still lives

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("yield");
#endif
}

void futex_wake(std::atomic<std::uint32_t>& word) {
  ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t seen, std::chrono::milliseconds timeout) {
  timespec limit{};
  limit.tv_sec = timeout.count() / 1000;
  limit.tv_nsec = (timeout.count() % 1000) * 1000000;
  ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT, seen, &limit, nullptr, 0);
}

}  // namespace

RunnerSession::RunnerSession(Warden& warden, const Kernel& kernel, std::size_t arena_bytes, std::size_t calls,
                             const std::vector<int>& cpus, std::uint32_t number)
    : kernel_(kernel),
      arena_(arena_bytes),
      control_(kCallTableOffset + calls * sizeof(PreparedCall)),
      page_(new (control_.base()) ControlPage{}),
      capacity_(calls),
      number_(number) {
  page_->call_capacity = static_cast<std::uint32_t>(calls);
  page_->parked = 1;
  RunnerRequest request;
  request.artifact = kernel.artifact;
  request.path = kernel.path;
  request.entry_point = kernel.entry_point;
  request.control = control_.descriptor();
  request.arena = arena_.descriptor();
  request.cpus = cpus;
  request.profile = kernel.profile;
  request.environment["OMP_NUM_THREADS"] = std::to_string(std::max<std::size_t>(1, cpus.size()));
  runner_ = warden.spawn_runner(request);
}

RunnerSession::~RunnerSession() = default;

std::string RunnerSession::message() const {
  char text[kMaxMessage];
  std::memcpy(text, page_->message, sizeof text);
  return std::string(text, ::strnlen(text, sizeof text));
}

CallOutcome RunnerSession::wait_ready(std::chrono::milliseconds deadline) {
  const auto limit = Clock::now() + deadline;
  CallOutcome outcome;
  for (;;) {
    const auto state = static_cast<RunnerState>(page_->state.load(std::memory_order_acquire));
    if (state == RunnerState::ready) break;
    if (state == RunnerState::load_failed) {
      outcome.status = CallOutcome::Status::ended;
      outcome.message = message();
      return outcome;
    }
    if (runner_->ended()) {
      outcome.status = CallOutcome::Status::ended;
      return outcome;
    }
    if (Clock::now() > limit) {
      outcome.status = CallOutcome::Status::timed_out;
      return outcome;
    }
    futex_wait(page_->state, static_cast<std::uint32_t>(state), std::chrono::milliseconds(1));
  }
  if (!runner_->stop()) outcome.status = CallOutcome::Status::ended;
  return outcome;
}

CallOutcome RunnerSession::wake(int warm, bool parked, std::chrono::milliseconds deadline) {
  parked_ = parked;
  page_->parked = parked ? 1 : 0;
  page_->judge_parked = parked ? 1 : 0;
  runner_->resume();
  CallOutcome outcome;
  for (int i = 0; i < warm; ++i) {
    ring(RunnerOperation::nothing, 0);
    if (!parked) {
      futex_wake(page_->go);  // it may still be parked from before
      if (i == 0) make_way();
    }
    outcome = await(deadline);
    if (outcome.status != CallOutcome::Status::done) break;
  }
  return outcome;
}

void RunnerSession::make_way() const {
  // The jail's init continues the runner from this very core: it is kept off the runner's.
  const auto limit = Clock::now() + kMakeWay;
  while (!heard() && Clock::now() < limit) ::sched_yield();
}

void RunnerSession::ring(RunnerOperation operation, std::uint32_t call) {
  page_->operation = static_cast<std::uint32_t>(operation);
  page_->call = call;
  page_->go.store(++sequence_, std::memory_order_release);
  if (parked_) futex_wake(page_->go);
}

CallOutcome RunnerSession::await(std::chrono::milliseconds deadline) {
  CallOutcome outcome;
  int spins = 0;
  std::optional<Clock::time_point> limit;
  while (!heard()) {
    if (!parked_ && ++spins < kSpinsBetweenLooks) {
      relax();
      continue;
    }
    spins = 0;
    if (!limit) limit = Clock::now() + deadline;
    if (runner_->ended()) {
      if (heard()) break;
      outcome.status = CallOutcome::Status::ended;
      return outcome;
    }
    if (Clock::now() > *limit) {
      outcome.status = CallOutcome::Status::timed_out;
      return outcome;
    }
    if (parked_) {
      const std::uint32_t seen = page_->done.load(std::memory_order_acquire);
      if (seen != sequence_) futex_wait(page_->done, seen, std::chrono::milliseconds(20));
    }
  }
  outcome.return_code = page_->return_code;
  outcome.threw = page_->threw != 0;
  if (outcome.threw) outcome.message = message();
  return outcome;
}

CallOutcome RunnerSession::perform(RunnerOperation operation, std::uint32_t call, std::chrono::milliseconds deadline) {
  ring(operation, call);
  return await(deadline);
}

}  // namespace crucible
