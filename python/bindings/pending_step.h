#pragma once

#include <pybind11/pybind11.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <exception>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "env/environment.h"
#include "sandbox/file_descriptor.h"

namespace crucible::python {

/// One step of an environment in a thread of its own, for event loops: a descriptor tells its end. The thread never
/// needs the GIL. The destructor cancels and joins; delete it through Deleter, which releases the GIL.
class PendingStep {
 public:
  PendingStep(Environment& environment, std::string source) : signal_(::eventfd(0, EFD_CLOEXEC)) {
    if (!signal_) throw std::runtime_error("no eventfd can be had");
    worker_ = std::jthread([this, &environment, text = std::move(source)](std::stop_token stop) {
      try {
        result_ = environment.step(text, {}, std::move(stop));
      } catch (...) {
        failure_ = std::current_exception();
      }
      const std::uint64_t one = 1;
      if (::write(signal_.get(), &one, sizeof one) < 0) return;  // nobody can be told; result() still waits
    });
  }

  int descriptor() const { return signal_.get(); }
  void cancel() { worker_.request_stop(); }

  StepResult result() {
    if (worker_.joinable()) worker_.join();
    if (failure_) std::rethrow_exception(failure_);
    return std::move(*result_);
  }

  struct Deleter {
    void operator()(PendingStep* step) const {
      const pybind11::gil_scoped_release unlocked;
      delete step;
    }
  };

 private:
  FileDescriptor signal_;
  std::optional<StepResult> result_;
  std::exception_ptr failure_;
  std::jthread worker_;  ///< last: it uses everything above
};

}  // namespace crucible::python
