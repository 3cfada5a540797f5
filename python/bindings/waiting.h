#pragma once

#include <pybind11/pybind11.h>

#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

#include "env/evaluator.h"

namespace crucible::python {

/// Runs `work` on a thread of its own, without the GIL, and waits for its end with the GIL released. While it waits it
/// delivers progress to `progress` (a callable (stage: str, share: float), or None) in the caller's thread, and looks
/// for signals ten times a second: Ctrl-C requests the stop, waits until the work has ended and raises
/// KeyboardInterrupt. An exception of the callback does the same. The thread never outlives this call. Needs the GIL.
void run_interruptibly(const std::function<void(const Progress&, std::stop_token)>& work,
                       const pybind11::object& progress);

/// The same for work with a result.
template <class Work>
auto interruptible(Work&& work, const pybind11::object& progress) {
  using Result = decltype(work(std::declval<const Progress&>(), std::stop_token{}));
  std::optional<Result> result;
  run_interruptibly(
      [&](const Progress& report, std::stop_token stop) { result.emplace(work(report, std::move(stop))); }, progress);
  return std::move(*result);
}

}  // namespace crucible::python
