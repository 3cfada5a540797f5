#include "env/evaluator.h"

#include <pybind11/stl.h>

#include "python/bindings/bindings.h"
#include "python/bindings/waiting.h"
#include "sandbox/warden/warden.h"

namespace crucible::python {

void bind_evaluator(py::module_& module) {
  py::class_<EvaluatorOptions>(module, "EvaluatorOptions",
                               "What an Evaluator needs to know; empty paths mean the package's own.")
      .def(py::init<>())
      .def_readwrite("backend", &EvaluatorOptions::backend)
      .def_readwrite("device", &EvaluatorOptions::device)
      .def_readwrite("run_directory", &EvaluatorOptions::run_directory)
      .def_readwrite("config_directory", &EvaluatorOptions::config_directory)
      .def_readwrite("task_directories", &EvaluatorOptions::task_directories)
      .def_readwrite("libexec", &EvaluatorOptions::libexec)
      .def_readwrite("isolation_demand", &EvaluatorOptions::isolation_demand)
      .def_readwrite("secret", &EvaluatorOptions::secret)
      .def_readwrite("cache", &EvaluatorOptions::cache)
      .def_readwrite("write_records", &EvaluatorOptions::write_records)
      .def_readwrite("archive", &EvaluatorOptions::archive)
      .def_readwrite("time_budget_seconds", &EvaluatorOptions::time_budget_seconds);

  py::class_<Evaluator, std::shared_ptr<Evaluator>>(
      module, "Evaluator", "Evaluates candidates for one backend and device. Thread-safe; close() ends all it started.")
      .def(py::init([](const EvaluatorOptions& options) {
             const py::gil_scoped_release unlocked;
             return std::make_shared<Evaluator>(options);
           }),
           py::arg("options"))
      .def(
          "evaluate",
          [](Evaluator& evaluator, const std::shared_ptr<Task>& task, const py::bytes& source, std::uint64_t seed,
             std::uint32_t turn, bool use_cache, const py::object& progress) {
            const std::string text(source);
            return interruptible(
                [&](const Progress& report, std::stop_token stop) {
                  EvaluateOptions how;
                  how.seed = seed;
                  how.turn = turn;
                  how.use_cache = use_cache;
                  how.progress = report;
                  how.stop = std::move(stop);
                  return evaluator.evaluate(task, text, how);
                },
                progress);
          },
          py::arg("task"), py::arg("source"), py::arg("seed") = 0, py::arg("turn") = 0, py::arg("use_cache") = true,
          py::arg("progress") = py::none(), "All facts about `source` (bytes) as a candidate for `task`.")
      .def(
          "warm",
          [](Evaluator& evaluator, const std::shared_ptr<Task>& task, const py::object& progress) {
            return interruptible([&](const Progress& report, std::stop_token) { return evaluator.warm(task, report); },
                                 progress);
          },
          py::arg("task"), py::arg("progress") = py::none(),
          "Makes pools and calibrates baselines ahead; one line per workload.")
      .def(
          "check_task",
          [](Evaluator& evaluator, const std::shared_ptr<Task>& task, int seeds, int timed_seeds,
             const py::object& progress) {
            return interruptible(
                [&](const Progress& report, std::stop_token) {
                  return evaluator.check_task(task, seeds, timed_seeds, report);
                },
                progress);
          },
          py::arg("task"), py::arg("seeds"), py::arg("timed_seeds"), py::arg("progress") = py::none(),
          "Whether a task can tell right from wrong, and how its baselines do in the candidate's place, as JSON.")
      .def(
          "task",
          [](const Evaluator& evaluator, const std::string& name) {
            return std::const_pointer_cast<Task>(evaluator.task(name));
          },
          py::arg("name"))
      .def("task_names", &Evaluator::task_names)
      .def_property_readonly("options", [](const Evaluator& evaluator) { return evaluator.options(); })
      .def_property_readonly("device_name",
                             [](const Evaluator& evaluator) {
                               const py::gil_scoped_release unlocked;
                               return evaluator.device_name();
                             })
      .def("diagnose",
           [](const Evaluator& evaluator) {
             const py::gil_scoped_release unlocked;
             return evaluator.diagnose();
           })
      .def("close", &Evaluator::close, py::call_guard<py::gil_scoped_release>());

  module.def("libexec_directory", &libexec_directory, "Folder of the helper executables.");
}

}  // namespace crucible::python
