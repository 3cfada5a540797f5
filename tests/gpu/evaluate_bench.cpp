// Whole evaluations on one GPU, from source text to verdict: warms each task, then evaluates kernels of known worth.
// Prints one row per kernel.
//
//   crucible-gpu-evaluate CONFIGS SOURCES…      SOURCES: TASK=FILE.cu

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "env/evaluator.h"
#include "sandbox/launcher/driver.h"

namespace {

using namespace crucible;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A candidate is one text: headers that lie beside it are put in their place.
std::string self_contained(const std::string& path) {
  std::string text = text_of(path);
  const std::string include = "#include \"";
  for (std::size_t at = text.find(include); at != std::string::npos; at = text.find(include, at + 1)) {
    const std::size_t name = at + include.size(), end = text.find('"', name);
    std::string header = text_of(path.substr(0, path.rfind('/') + 1) + text.substr(name, end - name));
    if (const std::size_t once = header.find("#pragma once"); once != std::string::npos) header.erase(once, 12);
    text.replace(at, end + 1 - at, header);
  }
  return text;
}

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
  if (e.verdict == Verdict::compile_error) std::printf("%s\n", e.diagnostics.substr(0, 1500).c_str());
  for (const IntegrityFinding& f : e.findings)
    std::printf("      finding %s: %s%s\n", f.kind.c_str(), f.evidence.c_str(), f.conclusive ? " (conclusive)" : "");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::string why;
  if (!cuda_available(&why)) {
    std::printf("skipped: %s\n", why.c_str());
    return 0;
  }
  if (argc < 3) {
    std::fprintf(stderr, "usage: crucible-gpu-evaluate CONFIGS TASK=FILE.cu…\n");
    return 2;
  }
  try {
    EvaluatorOptions options;
    options.backend = "cuda";
    options.config_directory = argv[1];
    options.run_directory = "/tmp/crucible-gpu-run";
    options.cache = false;
    Evaluator evaluator(options);
    std::printf("%s\n", evaluator.device_name().c_str());
    std::set<std::string> warmed;
    for (int i = 2; i < argc; ++i) {
      const std::string pair = argv[i];
      const std::string name = pair.substr(0, pair.find('=')), file = pair.substr(pair.find('=') + 1);
      const auto task = evaluator.task(name);
      if (warmed.insert(name).second) {
        const double begin = now();
        for (const std::string& line : evaluator.warm(task)) std::printf("   %s\n", line.c_str());
        std::printf("   warmed %s in %.1f s\n", name.c_str(), now() - begin);
      }
      const double begin = now();
      EvaluateOptions asked;
      asked.seed = static_cast<std::uint64_t>(i);
      const Evaluation evaluation = evaluator.evaluate(task, self_contained(file), asked);
      print(name + " " + file.substr(file.rfind('/') + 1), evaluation, now() - begin);
    }
  } catch (const std::exception& error) {
    std::printf("failed: %s\n", error.what());
    return 1;
  }
  return 0;
}
