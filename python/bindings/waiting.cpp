#include "python/bindings/waiting.h"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace py = pybind11;

namespace crucible::python {
namespace {

/// What the working thread and the waiting thread share.
struct Meeting {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::pair<std::string, double>> events;
  bool done = false;
  std::exception_ptr failure;
};

}  // namespace

void run_interruptibly(const std::function<void(const Progress&, std::stop_token)>& work, const py::object& progress) {
  Meeting meeting;
  const bool wants_progress = !progress.is_none();
  Progress report;
  if (wants_progress) {
    report = [&meeting](std::string_view stage, double share) {
      const std::lock_guard lock(meeting.mutex);
      // Only the latest news of a stage matters to a person.
      if (!meeting.events.empty() && meeting.events.back().first == stage) {
        meeting.events.back().second = share;
      } else {
        meeting.events.emplace_back(stage, share);
      }
      meeting.changed.notify_one();
    };
  }

  std::jthread worker([&](std::stop_token stop) {
    std::exception_ptr failure;
    try {
      work(report, std::move(stop));
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(meeting.mutex);
    meeting.failure = failure;
    meeting.done = true;
    meeting.changed.notify_one();
  });

  std::optional<py::error_already_set> raised;
  for (bool done = false; !done;) {
    std::vector<std::pair<std::string, double>> events;
    {
      const py::gil_scoped_release unlocked;
      std::unique_lock lock(meeting.mutex);
      meeting.changed.wait_for(lock, std::chrono::milliseconds(100),
                               [&] { return meeting.done || !meeting.events.empty(); });
      events.swap(meeting.events);
      done = meeting.done;
    }
    if (raised) continue;  // already stopping: wait for the end
    try {
      if (wants_progress) {
        for (const auto& [stage, share] : events) progress(stage, share);
      }
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    } catch (py::error_already_set& error) {
      raised.emplace(error);
      worker.request_stop();
    }
  }
  {
    const py::gil_scoped_release unlocked;
    worker.join();
  }
  if (raised) throw py::error_already_set(*raised);
  if (meeting.failure) std::rethrow_exception(meeting.failure);
}

}  // namespace crucible::python
