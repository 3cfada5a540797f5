#pragma once

#include <cstddef>
#include <cstdlib>

namespace crucible::baseline::CRUCIBLE_ISA {

/// Memory of one thread for one kernel, kept between calls so that a call does not pay for page faults. Contents have
/// no meaning from one call to the next. Declare it static thread_local.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::free(memory_); }

  /// At least `bytes`, aligned to 64. Aborts when the process is out of memory.
  void* reserve(std::size_t bytes) {
    if (bytes > bytes_) {
      std::free(memory_);
      bytes_ = (bytes + 4095) / 4096 * 4096;
      memory_ = std::aligned_alloc(64, bytes_);
      if (memory_ == nullptr) std::abort();
    }
    return memory_;
  }

 private:
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace crucible::baseline::CRUCIBLE_ISA
