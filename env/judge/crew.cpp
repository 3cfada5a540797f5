#include "env/judge/crew.h"

#include <sched.h>

#include <utility>

namespace crucible {

Crew::Crew(const std::vector<int>& cpus) {
  for (int cpu : cpus) threads_.emplace_back([this, cpu] { serve(cpu); });
}

Crew::~Crew() {
  leave_ = true;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Crew::serve(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  ::sched_setaffinity(0, sizeof set, &set);  // refused: it works elsewhere
  for (std::uint32_t seen = 0;;) {
    round_.wait(seen, std::memory_order_acquire);
    seen = round_.load(std::memory_order_acquire);
    if (leave_) return;
    take_items();
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
  }
}

void Crew::take_items() {
  try {
    for (std::size_t i = next_.fetch_add(1); i < count_; i = next_.fetch_add(1)) (*work_)(i);
  } catch (...) {
    next_.store(count_);
    const std::lock_guard lock(failure_lock_);
    if (!failure_) failure_ = std::current_exception();
  }
}

void Crew::each(std::size_t count, const std::function<void(std::size_t)>& work) {
  if (threads_.empty() || count < 2) {
    for (std::size_t i = 0; i < count; ++i) work(i);
    return;
  }
  count_ = count;
  work_ = &work;
  next_ = 0;
  busy_ = static_cast<std::uint32_t>(threads_.size());
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  take_items();
  for (std::uint32_t left = busy_.load(); left != 0; left = busy_.load()) busy_.wait(left, std::memory_order_acquire);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace crucible
