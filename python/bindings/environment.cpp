#include "env/environment.h"

#include <pybind11/stl.h>

#include "env/prompt.h"
#include "python/bindings/bindings.h"
#include "python/bindings/waiting.h"

namespace crucible::python {

void bind_environment(py::module_& module) {
  py::class_<StepResult>(module, "StepResult")
      .def_readonly("observation", &StepResult::observation)
      .def_readonly("reward", &StepResult::reward)
      .def_readonly("terminated", &StepResult::terminated)
      .def_readonly("truncated", &StepResult::truncated)
      .def_readonly("record", &StepResult::record);

  py::class_<Environment>(module, "Environment",
                          "One episode at a time. Not thread-safe; several may share one Evaluator.")
      .def(py::init([](std::shared_ptr<Evaluator> evaluator, const std::string& task, const RewardSettings& reward,
                       std::uint32_t max_turns) {
             EnvironmentOptions options;
             options.max_turns = max_turns;
             options.reward = reward;
             return std::make_unique<Environment>(std::move(evaluator), task, std::move(options));
           }),
           py::arg("evaluator"), py::arg("task"), py::arg("reward") = RewardSettings{}, py::arg("max_turns") = 1)
      .def(
          "reset",
          [](Environment& environment, std::optional<std::uint64_t> seed) {
            const py::gil_scoped_release unlocked;
            return environment.reset(seed);
          },
          py::arg("seed") = py::none())
      .def(
          "step",
          [](Environment& environment, const py::bytes& source, const py::object& progress) {
            const std::string text(source);
            return interruptible([&](const Progress& report,
                                     std::stop_token stop) { return environment.step(text, report, std::move(stop)); },
                                 progress);
          },
          py::arg("source"), py::arg("progress") = py::none());

  module.attr("FEEDBACK_BYTES") = kFeedbackBytes;
  module.def("feedback_text", &feedback_text, py::arg("record"), py::arg("task"), "The observation text of a record.");
}

}  // namespace crucible::python
