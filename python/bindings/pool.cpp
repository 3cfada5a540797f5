#include <pybind11/stl.h>

#include <chrono>
#include <memory>

#include "env/pool/env_pool.h"
#include "env/pool/run_journal.h"
#include "python/bindings/bindings.h"
#include "python/bindings/pending_step.h"

namespace crucible::python {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr double kPatience = 0.1;  // seconds between looks at Python's signals

/// The pool's threads never need the GIL, but joining them with the GIL held would stop every other thread of Python.
struct WithoutGil {
  void operator()(EnvPool* pool) const {
    const py::gil_scoped_release unlocked;
    delete pool;
  }
};
using PoolHolder = std::unique_ptr<EnvPool, WithoutGil>;

py::dict as_dict(const PipelineSnapshot& seen) {
  py::dict made;
  py::list stages;
  for (const StageSnapshot& stage : seen.stages) {
    py::dict one;
    one["name"] = stage.name;
    one["workers"] = stage.workers;
    one["running"] = stage.running;
    one["waiting"] = stage.waiting;
    one["done"] = stage.done;
    one["busy_seconds"] = stage.busy_seconds;
    stages.append(one);
  }
  py::dict device;
  device["name"] = seen.device;
  device["does"] = seen.device_does;
  device["share"] = seen.device_share;
  py::list devices;
  devices.append(device);
  py::dict verdicts;
  for (const auto& [verdict, count] : seen.verdicts) verdicts[py::str(std::string(to_string(verdict)))] = count;
  made["stages"] = stages;
  made["devices"] = devices;
  made["submitted"] = seen.submitted;
  made["answered"] = seen.answered;
  made["cancelled"] = seen.cancelled;
  made["expired"] = seen.expired;
  made["cached"] = seen.cached;
  made["shared"] = seen.shared;
  made["retries"] = seen.retries;
  made["verdicts"] = verdicts;
  made["artifacts"] = seen.artifacts;
  made["artifact_limit"] = seen.artifact_limit;
  made["seconds"] = seen.seconds;
  made["answers_per_second"] = seen.answers_per_second;
  return made;
}

/// Waits with the GIL released and looks for signals: Ctrl-C raises, and takes nothing.
bool wait(EnvPool& pool, std::size_t count, std::optional<double> timeout) {
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    const double used = Seconds(std::chrono::steady_clock::now() - begin).count();
    const double slice = timeout ? std::min(kPatience, std::max(0.0, *timeout - used)) : kPatience;
    bool there = false;
    {
      const py::gil_scoped_release unlocked;
      there = pool.wait(count, Seconds(slice));
    }
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (there || (timeout && used + slice >= *timeout)) return there;
  }
}

using Action = std::tuple<std::size_t, py::bytes, int, std::optional<double>>;

}  // namespace

void bind_pool(py::module_& module) {
  py::register_exception<AnswerPending>(module, "AnswerPending", PyExc_RuntimeError);
  py::register_exception<NothingPending>(module, "NothingPending", PyExc_RuntimeError);
  py::register_exception<EpisodeOver>(module, "EpisodeOver", PyExc_RuntimeError);

  py::class_<PoolResult>(module, "PoolResult")
      .def_readonly("env", &PoolResult::env)
      .def_readonly("request", &PoolResult::request)
      .def_readonly("reset", &PoolResult::reset)
      .def_readonly("step", &PoolResult::step)
      .def_readonly("seconds", &PoolResult::seconds);

  py::class_<EnvPool, PoolHolder>(module, "EnvPool", "Many environments, judged through one pipeline. Thread-safe.")
      .def(py::init([](std::shared_ptr<Evaluator> evaluator, const std::vector<std::string>& tasks,
                       std::size_t environments, const RewardSettings& reward, std::uint32_t max_turns,
                       std::size_t compilers, std::size_t artifacts) {
             EnvPoolOptions options;
             options.environments = environments;
             options.max_turns = max_turns;
             options.reward = reward;
             options.pipeline.compilers = compilers;
             options.pipeline.artifacts = artifacts;
             const py::gil_scoped_release unlocked;
             return PoolHolder(new EnvPool(std::move(evaluator), tasks, std::move(options)));
           }),
           py::arg("evaluator"), py::arg("tasks"), py::arg("environments"), py::arg("reward") = RewardSettings{},
           py::arg("max_turns") = 1, py::arg("compilers") = 0, py::arg("artifacts") = 0)
      .def("__len__", &EnvPool::size)
      .def("reset", &EnvPool::reset, py::arg("env"), py::arg("seed") = py::none(),
           py::call_guard<py::gil_scoped_release>())
      .def("async_reset", &EnvPool::async_reset, py::arg("envs"), py::arg("seeds"),
           py::call_guard<py::gil_scoped_release>())
      .def(
          "send",
          [](EnvPool& pool, const std::vector<Action>& given) {
            std::vector<PoolAction> actions;
            actions.reserve(given.size());
            for (const auto& [env, source, priority, within] : given)
              actions.push_back({env, std::string(source), priority,
                                 within ? std::optional<Seconds>(Seconds(*within)) : std::nullopt});
            const py::gil_scoped_release unlocked;
            return pool.send(std::move(actions));
          },
          py::arg("actions"), "Takes (env, source, priority, seconds or None) each; all or none. Request numbers.")
      .def("wait", &wait, py::arg("count"), py::arg("timeout") = py::none(),
           "True when that many answers (or all that are owed) are ready. Ctrl-C ends it.")
      .def(
          "recv",
          [](EnvPool& pool, std::size_t count, std::optional<double> timeout) {
            wait(pool, count, timeout);
            const py::gil_scoped_release unlocked;
            return pool.recv(count, Seconds(0));
          },
          py::arg("count"), py::arg("timeout") = py::none())
      .def("cancel", &EnvPool::cancel, py::arg("envs"), py::call_guard<py::gil_scoped_release>())
      .def("pending", &EnvPool::pending, py::call_guard<py::gil_scoped_release>())
      .def("ready", &EnvPool::ready, py::call_guard<py::gil_scoped_release>())
      .def("fileno", &EnvPool::ready_descriptor)
      .def("snapshot",
           [](const EnvPool& pool) {
             PipelineSnapshot seen;
             {
               const py::gil_scoped_release unlocked;
               seen = pool.snapshot();
             }
             return as_dict(seen);
           })
      .def("close", &EnvPool::close, py::call_guard<py::gil_scoped_release>());

  py::class_<PendingStep, std::unique_ptr<PendingStep, PendingStep::Deleter>>(
      module, "PendingStep", "A step that goes on in a thread of its own. The environment must not be used meanwhile.")
      .def(py::init([](Environment& environment, const py::bytes& source) {
             return std::unique_ptr<PendingStep, PendingStep::Deleter>(
                 new PendingStep(environment, std::string(source)));
           }),
           py::keep_alive<1, 2>(), py::arg("environment"), py::arg("source"))
      .def("fileno", &PendingStep::descriptor, "Polls readable when the step has ended.")
      .def("cancel", &PendingStep::cancel)
      .def("result", &PendingStep::result, py::call_guard<py::gil_scoped_release>(),
           "Waits for the end; the StepResult, or what was raised (Cancelled after cancel()). Once.");

  module.def("update_summary", &update_summary, py::arg("run_directory"), py::call_guard<py::gil_scoped_release>(),
             "Brings RUN/summary.json up to date; returns its text.");
}

}  // namespace crucible::python
