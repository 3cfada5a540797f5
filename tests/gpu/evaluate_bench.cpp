// Whole evaluations on one GPU, from source text to verdict: warms each task, then evaluates kernels of known worth.
// Prints one row per evaluation, then one per kernel with the medians of its repetitions. Ends with 1 when a verdict is
// none of those expected.
//
//   crucible-gpu-evaluate CONFIGS SECONDS SOURCES…      SOURCES: TASK=FILE.cu[@VERDICT|VERDICT…][*TIMES]
//
// No evaluation begins after SECONDS.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "env/evaluator.h"
#include "sandbox/launcher/driver.h"
#include "tests/gpu/source_text.h"

namespace {

using namespace crucible;
using gpu_test::self_contained;
using gpu_test::text_of;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void print(const std::string& name, const Evaluation& e, double seconds) {
  std::printf("%-28s %-20s %.2f s (", name.c_str(), std::string(to_string(e.verdict)).c_str(), seconds);
  for (const auto& [stage, s] : e.stage_seconds) std::printf(" %s %.2f", stage.c_str(), s);
  std::printf(" )");
  if (e.speedup)
    std::printf(" S %.4f [%.4f, %.4f] %d pairs%s%s", e.speedup->estimate, e.speedup->lower, e.speedup->upper,
                e.speedup->pairs, e.speedup->withheld ? " WITHHELD: " : "", e.speedup->withheld_reason.c_str());
  std::printf("\n");
  for (const WorkloadTiming& w : e.workloads)
    std::printf("      %-24s candidate %9.3f us  %s %9.3f us\n", w.name.c_str(), w.candidate_ns.value_or(0) * 1e-3,
                w.baseline.c_str(), w.baseline_ns.value_or(0) * 1e-3);
  if (e.verdict != Verdict::correct) std::printf("      %s\n", e.explanation.substr(0, 300).c_str());
  for (const auto& [what, value] : e.device_state) std::printf("      %s %.0f", what.c_str(), value);
  if (!e.device_state.empty()) std::printf("\n");
  if (e.verdict == Verdict::compile_error) std::printf("%s\n", e.diagnostics.substr(0, 1500).c_str());
  for (const IntegrityFinding& f : e.findings)
    std::printf("      finding %s: %s%s\n", f.kind.c_str(), f.evidence.c_str(), f.conclusive ? " (conclusive)" : "");
  std::fflush(stdout);
}

/// One kernel to evaluate, as the command line names it.
struct Asked {
  std::string task, file;
  std::string expected;  ///< verdicts, separated by '|'; empty: any
  int times = 1;
};

Asked asked_of(std::string text) {
  Asked asked;
  if (const std::size_t star = text.rfind('*'); star != std::string::npos) {
    asked.times = std::atoi(text.c_str() + star + 1);
    text.erase(star);
  }
  if (const std::size_t at = text.rfind('@'); at != std::string::npos) {
    asked.expected = text.substr(at + 1);
    text.erase(at);
  }
  asked.task = text.substr(0, text.find('='));
  asked.file = text.substr(text.find('=') + 1);
  return asked;
}

/// The verdicts that a kernel of the suites allows by itself: "// allow: wrong_result, crashed".
std::string allowed_by(const std::string& source) {
  const std::string key = "// allow: ";
  const std::size_t at = source.find(key);
  if (at == std::string::npos) return {};
  std::string list = source.substr(at + key.size(), source.find('\n', at) - at - key.size());
  for (std::size_t comma; (comma = list.find(", ")) != std::string::npos;) list.replace(comma, 2, "|");
  return list;
}

bool expects(const Asked& asked, Verdict verdict) {
  return asked.expected.empty() ||
         ("|" + asked.expected + "|").find("|" + std::string(to_string(verdict)) + "|") != std::string::npos;
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.empty() ? 0 : v[v.size() / 2];
}

/// What the repetitions of one kernel come to.
struct Tally {
  std::string name, verdict;
  bool as_expected = true;
  std::vector<double> seconds, speedups;
  std::map<std::string, std::vector<double>> stages;
};

void print_table(const std::vector<Tally>& tallies) {
  std::printf("\n%-44s %-20s %4s %8s %7s  stages (medians, ms)\n", "kernel", "verdict", "n", "seconds", "S");
  for (const Tally& t : tallies) {
    std::printf("%-44s %-20s %4zu %8.2f %7.3f ", t.name.c_str(), ((t.as_expected ? "" : "!! ") + t.verdict).c_str(),
                t.seconds.size(), median(t.seconds), median(t.speedups));
    for (const auto& [stage, seconds] : t.stages) std::printf(" %s %.0f", stage.c_str(), 1e3 * median(seconds));
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string why;
  if (!cuda_available(&why)) {
    std::printf("skipped: %s\n", why.c_str());
    return 0;
  }
  if (argc < 4) {
    std::fprintf(stderr, "usage: crucible-gpu-evaluate CONFIGS SECONDS TASK=FILE.cu…\n");
    return 2;
  }
  bool as_expected = true;
  try {
    EvaluatorOptions options;
    options.backend = "cuda";
    options.config_directory = argv[1];
    options.run_directory = "/tmp/crucible-gpu-run";
    options.cache = false;
    Evaluator evaluator(options);
    std::printf("%s\n", evaluator.device_name().c_str());
    const double end = now() + std::atof(argv[2]);
    std::set<std::string> warmed;
    std::vector<Tally> tallies;
    for (int i = 3; i < argc; ++i) {
      Asked asked = asked_of(argv[i]);
      if (asked.expected.empty()) asked.expected = allowed_by(text_of(asked.file));
      if (now() > end) {
        std::printf("the time is over before %s\n", argv[i]);
        break;
      }
      try {
        const auto task = evaluator.task(asked.task);
        if (warmed.insert(asked.task).second) {
          const double begin = now();
          for (const std::string& line : evaluator.warm(task)) std::printf("   %s\n", line.c_str());
          std::printf("   warmed %s in %.1f s\n", asked.task.c_str(), now() - begin);
        }
        Tally tally;
        tally.name = asked.task + " " + asked.file.substr(asked.file.rfind('/') + 1);
        for (int time = 0; time < asked.times && now() < end; ++time) {
          const double begin = now();
          EvaluateOptions how;
          how.seed = static_cast<std::uint64_t>(100 * i + time);
          const Evaluation evaluation = evaluator.evaluate(task, self_contained(asked.file), how);
          const double seconds = now() - begin;
          print(tally.name, evaluation, seconds);
          tally.verdict = to_string(evaluation.verdict);
          tally.as_expected = tally.as_expected && expects(asked, evaluation.verdict);
          tally.seconds.push_back(seconds);
          if (evaluation.speedup) tally.speedups.push_back(evaluation.speedup->estimate);
          for (const auto& [stage, s] : evaluation.stage_seconds) tally.stages[stage].push_back(s);
        }
        as_expected = as_expected && tally.as_expected;
        tallies.push_back(std::move(tally));
      } catch (const std::exception& error) {
        std::printf("%s: failed: %s\n", argv[i], error.what());
        as_expected = false;
      }
    }
    print_table(tallies);
  } catch (const std::exception& error) {
    std::printf("failed: %s\n", error.what());
    return 1;
  }
  return as_expected ? 0 : 1;
}
