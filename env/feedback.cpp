#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "env/prompt.h"

namespace crucible {
namespace {

constexpr std::size_t kDiagnosticBytes = 3 * 1024;
constexpr std::size_t kExplanationBytes = 1024;
constexpr std::size_t kLineBytes = 320;

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* pattern, ...) {
  char text[512];
  std::va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

std::string one_line(std::string_view text) {
  std::string line = bounded_text(text, kLineBytes);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

std::string duration(double ns) {
  if (ns < 1e3) return format("%.0f ns", ns);
  if (ns < 1e6) return format("%.3g us", ns / 1e3);
  return format("%.3g ms", ns / 1e6);
}

/// What the verdict asks the author to do next.
std::string_view advice(Verdict verdict) {
  switch (verdict) {
    case Verdict::malformed:
      return "Answer with the source text of one file.";
    case Verdict::compile_error:
      return "Fix the first error first; line numbers are those of your text.";
    case Verdict::compile_timeout:
      return "Instantiate fewer templates and unroll less: the compiler ran out of time.";
    case Verdict::load_error:
      return "Define everything you call; only the C and C++ runtimes are linked.";
    case Verdict::crashed:
      return "Check bounds, tails, strides, byte_offset and zero-sized calls; catch your own exceptions.";
    case Verdict::timed_out:
      return "A call never came back: check loop conditions and barriers.";
    case Verdict::wrong_result:
      return "Make the failing families right before making anything faster.";
    case Verdict::integrity_violation:
      return "Submit a kernel that does the work of every call inside that call.";
    case Verdict::not_deployable:
      return "It is right, but production could not run it as it is.";
    case Verdict::correct:
      return "";
    case Verdict::infrastructure_error:
      return "This was our failure, not yours: submit the same text again.";
  }
  return "";
}

void failures(const Evaluation& evaluation, std::string& text) {
  if (!evaluation.families.empty()) {
    int whole = 0;
    for (const FamilyOutcome& family : evaluation.families) whole += family.passed == family.cases;
    text += format("Families of cases passed whole: %d of %zu.\n", whole, evaluation.families.size());
  }
  for (const CaseFailure& failure : evaluation.failures) {
    // A hidden case says its category and nothing else, whatever its explanation holds.
    if (failure.hidden) {
      text += "- family " + one_line(failure.family) + ": wrong on a hidden shape.\n";
    } else {
      text += "- family " + one_line(failure.family) +
              (failure.workload.empty() ? "" : ", workload " + one_line(failure.workload)) + ": " +
              one_line(failure.explanation) + "\n";
    }
  }
}

void timings(const Evaluation& evaluation, std::string& text) {
  const WorkloadTiming* slowest = nullptr;
  double slowest_lost = 0;
  for (const WorkloadTiming& timing : evaluation.workloads) {
    if (!timing.candidate_ns || !timing.baseline_ns) continue;
    const double lost = timing.count * (*timing.candidate_ns - *timing.baseline_ns);
    if (slowest == nullptr || lost > slowest_lost) slowest = &timing, slowest_lost = lost;
  }
  if (slowest == nullptr) return;
  text += "Workloads (your time, the best production library's time, ratio):\n";
  for (const WorkloadTiming& timing : evaluation.workloads) {
    if (!timing.candidate_ns || !timing.baseline_ns) continue;
    text += "- " + timing.name + ": " + duration(*timing.candidate_ns) + ", " + duration(*timing.baseline_ns) + " (" +
            one_line(timing.baseline) + "), " + format("%.2fx", *timing.baseline_ns / *timing.candidate_ns);
    if (timing.roof_ns)
      text += format(", %.0f %% of what this machine could do", 100 * *timing.roof_ns / *timing.candidate_ns);
    text += &timing == slowest && slowest_lost > 0 ? "  <- costs you most\n" : "\n";
  }
}

/// Techniques worth a try, from what was measured; none that the candidate already uses.
void hints(const Evaluation& evaluation, std::string& text) {
  std::set<std::string> used(evaluation.novelty.techniques.begin(), evaluation.novelty.techniques.end());
  std::vector<std::string> ideas;
  const auto uses = [&](std::string_view word) {
    return std::any_of(used.begin(), used.end(),
                       [&](const std::string& name) { return name.find(word) != std::string::npos; });
  };
  bool short_calls = false, long_calls = false, far_from_roof = false, narrow = false;
  for (const WorkloadTiming& timing : evaluation.workloads) {
    if (!timing.candidate_ns || !timing.baseline_ns || *timing.candidate_ns <= *timing.baseline_ns * 0.98) continue;
    short_calls |= *timing.candidate_ns < 20e3;
    long_calls |= timing.mode == TimingMode::interval;
    far_from_roof |= timing.roof_ns && *timing.roof_ns < 0.5 * *timing.candidate_ns;
    narrow |= timing.dtype == "bf16" || timing.dtype == "f16";
  }
  const bool cuda = evaluation.backend == "cuda";
  if (cuda) {
    if (far_from_roof && !uses("vector"))
      ideas.emplace_back("16-byte vector loads and stores where the address allows them");
    if (short_calls && !uses("dependent_launch"))
      ideas.emplace_back("programmatic dependent launch, so that the next call's prologue overlaps");
    if (far_from_roof && !uses("shuffle"))
      ideas.emplace_back("warp shuffles for reductions, one pass over the row held in registers");
  } else {
    if (far_from_roof && !uses("simd") && !uses("avx"))
      ideas.emplace_back("several independent vector accumulators, so that sums do not wait for each other");
    if (narrow && !uses("bf16"))
      ideas.emplace_back(
          "converting 16-bit elements a vector at a time (shift for bf16 to f32, round on the way back)");
    if (long_calls && !uses("openmp") && !uses("thread"))
      ideas.emplace_back("OpenMP over rows for the large workloads: they are timed with all cores");
    if (long_calls && !uses("non_temporal") && !uses("streaming"))
      ideas.emplace_back("non-temporal stores for outputs larger than the last-level cache");
    if (short_calls && (uses("openmp") || uses("thread")))
      ideas.emplace_back("no parallel region for small calls: waking threads costs more than the work");
    if (short_calls) ideas.emplace_back("less work before the loop: small calls are a few microseconds long");
  }
  if (ideas.empty()) return;
  text += "Worth a try:\n";
  for (const std::string& idea : ideas) text += "- " + idea + "\n";
}

void speed(const Evaluation& evaluation, std::string& text) {
  if (!evaluation.speedup) return;
  const Speedup& s = *evaluation.speedup;
  text += format(
      "Speedup over the best production library, weighted by use: %.3f (99 %% interval %.3f to %.3f, %d pairs).\n",
      s.estimate, s.lower, s.upper, s.pairs);
  if (s.withheld) text += "The speed was not paid: " + one_line(s.withheld_reason) + "\n";
  timings(evaluation, text);
}

void novelty(const Evaluation& evaluation, std::string& text) {
  const NoveltyFacts& facts = evaluation.novelty;
  if (!facts.sentence.empty()) {
    text += "Novelty: " + one_line(facts.sentence) + "\n";
  } else if (facts.score) {
    text += format("Novelty: %.2f", *facts.score);
    if (!facts.nearest.empty())
      text += format("; %.0f %% like ", 100 * facts.nearest[0].similarity) + one_line(facts.nearest[0].name);
    text += "\n";
  }
}

}  // namespace

std::string feedback_text(const Record& record, const Task& task) {
  const Evaluation& evaluation = record.evaluation;
  std::string text = "Verdict: " + std::string(to_string(evaluation.verdict)) + "\n";
  text +=
      std::isnan(record.reward.reward) ? std::string("Reward: none\n") : format("Reward: %.4f\n", record.reward.reward);
  if (!evaluation.explanation.empty()) text += bounded_text(evaluation.explanation, kExplanationBytes) + "\n";
  for (const IntegrityFinding& finding : evaluation.findings) {
    text += "Finding " + one_line(finding.kind) + ": " + one_line(finding.evidence) + "\n";
  }
  if (!evaluation.diagnostics.empty()) {
    text +=
        "Compiler output:\n" +
        bounded_text(quoted(bounded_text(evaluation.diagnostics, kDiagnosticBytes), "  | "), kDiagnosticBytes + 1024) +
        "\n";
  }
  failures(evaluation, text);
  speed(evaluation, text);
  novelty(evaluation, text);
  hints(evaluation, text);
  if (const std::string_view next = advice(evaluation.verdict); !next.empty())
    text += "Next: " + std::string(next) + "\n";
  if (evaluation.verdict == Verdict::compile_error) text += "Entry point: " + task.entry_point + "\n";
  return bounded_text(text, kFeedbackBytes);
}

}  // namespace crucible
