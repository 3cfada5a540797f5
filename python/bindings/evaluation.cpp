#include "reward/evaluation.h"

#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include "python/bindings/bindings.h"

namespace crucible::python {
namespace {

void bind_verdict(py::module_& module) {
  auto verdict = py::native_enum<Verdict>(module, "Verdict", "enum.Enum", "How the evaluation of one candidate ended.");
  for (const Verdict value : kAllVerdicts) verdict.value(std::string(to_string(value)).c_str(), value);
  verdict.finalize();
  auto mode = py::native_enum<TimingMode>(module, "TimingMode", "enum.Enum", "How a workload was timed.");
  for (const TimingMode value : {TimingMode::none, TimingMode::chain, TimingMode::reveal, TimingMode::interval}) {
    mode.value(std::string(to_string(value)).c_str(), value);
  }
  mode.finalize();
}

void bind_timing(py::module_& module) {
  py::class_<TimedPair>(module, "TimedPair", "Candidate and baseline chains, run next to each other.")
      .def(py::init<>())
      .def(py::init([](double candidate_ns, double baseline_ns, std::uint32_t candidate_runner,
                       std::uint32_t baseline_runner) {
             return TimedPair{candidate_ns, baseline_ns, candidate_runner, baseline_runner};
           }),
           py::arg("candidate_ns"), py::arg("baseline_ns"), py::arg("candidate_runner") = 0,
           py::arg("baseline_runner") = 0)
      .def_readwrite("candidate_ns", &TimedPair::candidate_ns)
      .def_readwrite("baseline_ns", &TimedPair::baseline_ns)
      .def_readwrite("candidate_runner", &TimedPair::candidate_runner)
      .def_readwrite("baseline_runner", &TimedPair::baseline_runner);

  py::class_<WorkloadTiming>(module, "WorkloadTiming", "What was measured about one timed workload.")
      .def(py::init<>())
      .def_readwrite("name", &WorkloadTiming::name)
      .def_readwrite("dtype", &WorkloadTiming::dtype)
      .def_readwrite("axes", &WorkloadTiming::axes)
      .def_readwrite("count", &WorkloadTiming::count)
      .def_readwrite("baseline", &WorkloadTiming::baseline)
      .def_readwrite("mode", &WorkloadTiming::mode)
      .def_readwrite("pairs", &WorkloadTiming::pairs)
      .def_readwrite("between_runner_sd", &WorkloadTiming::between_runner_sd)
      .def_readwrite("roof_ns", &WorkloadTiming::roof_ns)
      .def_readwrite("candidate_ns", &WorkloadTiming::candidate_ns)
      .def_readwrite("baseline_ns", &WorkloadTiming::baseline_ns);

  py::class_<Speedup>(module, "Speedup", "Weighted speedup over the best baselines, with a two-sided 99 % interval.")
      .def(py::init<>())
      .def_readwrite("estimate", &Speedup::estimate)
      .def_readwrite("lower", &Speedup::lower)
      .def_readwrite("upper", &Speedup::upper)
      .def_readwrite("pairs", &Speedup::pairs)
      .def_readwrite("mode", &Speedup::mode)
      .def_readwrite("withheld", &Speedup::withheld)
      .def_readwrite("withheld_reason", &Speedup::withheld_reason)
      .def("__repr__", [](const Speedup& s) {
        return py::str("Speedup({:.4f}, lower={:.4f}, upper={:.4f}, pairs={})")
            .format(s.estimate, s.lower, s.upper, s.pairs);
      });
}

void bind_parts(py::module_& module) {
  py::class_<IntegrityFinding>(module, "IntegrityFinding", "Evidence about a candidate's integrity.")
      .def(py::init<>())
      .def_readwrite("kind", &IntegrityFinding::kind)
      .def_readwrite("evidence", &IntegrityFinding::evidence)
      .def_readwrite("conclusive", &IntegrityFinding::conclusive);

  py::class_<FamilyOutcome>(module, "FamilyOutcome", "Cases of one distribution family.")
      .def(py::init<>())
      .def_readwrite("family", &FamilyOutcome::family)
      .def_readwrite("counted", &FamilyOutcome::counted)
      .def_readwrite("cases", &FamilyOutcome::cases)
      .def_readwrite("passed", &FamilyOutcome::passed);

  py::class_<CaseFailure>(module, "CaseFailure", "One failed case, as the candidate's author may see it.")
      .def(py::init<>())
      .def_readwrite("workload", &CaseFailure::workload)
      .def_readwrite("family", &CaseFailure::family)
      .def_readwrite("explanation", &CaseFailure::explanation)
      .def_readwrite("hidden", &CaseFailure::hidden);

  py::class_<Neighbour>(module, "Neighbour", "One known kernel, seen from the candidate.")
      .def(py::init<>())
      .def_readwrite("name", &Neighbour::name)
      .def_readwrite("similarity", &Neighbour::similarity)
      .def_readwrite("views", &Neighbour::views)
      .def_readwrite("shared_techniques", &Neighbour::shared_techniques);

  py::class_<NoveltyFacts>(module, "NoveltyFacts", "How new the candidate is.")
      .def(py::init<>())
      .def_readwrite("score", &NoveltyFacts::score)
      .def_readwrite("similarity", &NoveltyFacts::similarity)
      .def_readwrite("nearest", &NoveltyFacts::nearest)
      .def_readwrite("techniques", &NoveltyFacts::techniques)
      .def_readwrite("snapshot", &NoveltyFacts::snapshot)
      .def_readwrite("best_known", &NoveltyFacts::best_known)
      .def_readwrite("match_speedup", &NoveltyFacts::match_speedup)
      .def_readwrite("failure", &NoveltyFacts::failure)
      .def_readwrite("sentence", &NoveltyFacts::sentence);
}

}  // namespace

void bind_evaluation(py::module_& module) {
  bind_verdict(module);
  bind_timing(module);
  bind_parts(module);
  py::class_<Evaluation>(module, "Evaluation",
                         "Everything that was measured about one candidate. What was not measured is None. Lists are "
                         "copies: assign a whole list to change one.")
      .def(py::init<>())
      .def_readwrite("task", &Evaluation::task)
      .def_readwrite("backend", &Evaluation::backend)
      .def_readwrite("device", &Evaluation::device)
      .def_readwrite("verdict", &Evaluation::verdict)
      .def_readwrite("explanation", &Evaluation::explanation)
      .def_readwrite("diagnostics", &Evaluation::diagnostics)
      .def_readwrite("output", &Evaluation::output)
      .def_readwrite("findings", &Evaluation::findings)
      .def_readwrite("families", &Evaluation::families)
      .def_readwrite("failures", &Evaluation::failures)
      .def_readwrite("workloads", &Evaluation::workloads)
      .def_readwrite("speedup", &Evaluation::speedup)
      .def_readwrite("novelty", &Evaluation::novelty)
      .def_readwrite("stage_seconds", &Evaluation::stage_seconds)
      .def_readwrite("versions", &Evaluation::versions)
      .def_readwrite("isolation_level", &Evaluation::isolation_level)
      .def_readwrite("isolation", &Evaluation::isolation)
      .def_readwrite("seed", &Evaluation::seed)
      .def_readwrite("source_sha256", &Evaluation::source_sha256)
      .def_readwrite("cached", &Evaluation::cached)
      .def_property_readonly("passed_share", &Evaluation::passed_share)
      .def("__repr__", [](const Evaluation& e) {
        return "Evaluation(task='" + e.task + "', verdict=" + std::string(to_string(e.verdict)) + ")";
      });
}

}  // namespace crucible::python
