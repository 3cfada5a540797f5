#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace crucible {

/// A few threads that deal and check sets together with the caller while no kernel runs. Between two each() they sleep,
/// so the cores that a kernel is timed on are its own.
class Crew {
 public:
  /// One thread for each of `cpus`, pinned there; the caller's own core should not be among them.
  explicit Crew(const std::vector<int>& cpus);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Calls work(i) once for every i below `count`, in any order, on all threads and on the caller's; returns when all
  /// are done and every thread sleeps or is about to. The first exception is thrown here. One caller at a time.
  void each(std::size_t count, const std::function<void(std::size_t)>& work);

 private:
  void serve(int cpu);
  void take_items();

  std::vector<std::thread> threads_;
  std::atomic<std::uint32_t> round_{0};
  std::atomic<std::uint32_t> busy_{0};
  std::atomic<std::size_t> next_{0};
  std::size_t count_ = 0;
  const std::function<void(std::size_t)>* work_ = nullptr;
  std::mutex failure_lock_;
  std::exception_ptr failure_;
  bool leave_ = false;
};

}  // namespace crucible
