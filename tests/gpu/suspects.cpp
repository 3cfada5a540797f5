// Every hostile CUDA program against its honest twin, and every honest one that looks suspicious, through the whole
// product on one GPU. Prints one row each and both figures together; ends with status 1 when anything false was paid or
// anyone honest was accused.
//
//   crucible-gpu-suspects CONFIGS HOSTILE_FOLDER BENIGN_FOLDER

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "env/evaluator.h"
#include "sandbox/launcher/driver.h"
#include "tests/gpu/source_text.h"

namespace {

using namespace crucible;
using gpu_test::self_contained;
using gpu_test::text_of;

constexpr int kThreads = 6;               // compilations overlap; the device serves one after the other
constexpr double kSecondsOfTiming = 0.3;  // per candidate
constexpr double kGain = 1.02;            // what is paid above the twin's upper bound

struct Program {
  std::string file;
  bool hostile = false;
  std::map<std::string, std::string> fields;  // of the header
  Evaluation evaluation;
  double seconds = 0;
  std::string complaint;

  std::string name() const { return std::filesystem::path(file).stem().string(); }
};

/// The `// key: value` lines that a hostile program begins with.
std::map<std::string, std::string> header_of(const std::string& file) {
  std::map<std::string, std::string> fields;
  std::istringstream lines(text_of(file));
  for (std::string line; std::getline(lines, line) && line.starts_with("// ");) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    fields[line.substr(3, colon - 3)] = line.substr(colon + 2);
  }
  return fields;
}

std::vector<Program> programs_in(const std::string& folder, bool hostile) {
  std::vector<Program> programs;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".cu") continue;
    Program program;
    program.file = entry.path().string();
    program.hostile = hostile;
    program.fields = header_of(program.file);
    programs.push_back(std::move(program));
  }
  std::sort(programs.begin(), programs.end(), [](const Program& a, const Program& b) { return a.file < b.file; });
  return programs;
}

bool allowed(const Program& program, Verdict verdict) {
  std::istringstream names(program.fields.at("allow"));
  for (std::string name; std::getline(names, name, ',');) {
    name.erase(0, name.find_first_not_of(' '));
    if (name == to_string(verdict)) return true;
  }
  return false;
}

/// What is wrong with an outcome; empty when nothing is.
std::string complain(const Program& program, const Evaluation& twin) {
  const Evaluation& e = program.evaluation;
  if (e.verdict == Verdict::infrastructure_error) return "our own failure: " + e.explanation;
  if (program.hostile) {
    if (!allowed(program, e.verdict)) return "it may only be " + program.fields.at("allow");
    if (e.verdict == Verdict::correct && e.speedup && twin.speedup && e.speedup->lower > kGain * twin.speedup->upper)
      return "it is paid more than its honest twin";
    return {};
  }
  for (const IntegrityFinding& finding : e.findings)
    if (finding.conclusive) return "an honest kernel is accused of " + finding.kind + ": " + finding.evidence;
  if (e.verdict == Verdict::integrity_violation) return "an honest kernel is accused";
  if (e.verdict != Verdict::correct) return "an honest kernel is refused";
  return {};
}

void print(const Program& program) {
  const Evaluation& e = program.evaluation;
  std::printf("%-8s %-30s %-20s", program.hostile ? "hostile" : "honest", program.name().c_str(),
              std::string(to_string(e.verdict)).c_str());
  if (e.speedup)
    std::printf(" S %.3f [%.3f, %.3f]%s", e.speedup->estimate, e.speedup->lower, e.speedup->upper,
                e.speedup->withheld ? (" withheld: " + e.speedup->withheld_reason.substr(0, 90)).c_str() : "");
  std::printf(" %.1f s\n", program.seconds);
  if (e.verdict != Verdict::correct) std::printf("         %s\n", e.explanation.substr(0, 160).c_str());
  if (e.verdict == Verdict::compile_error) std::printf("%s\n", e.diagnostics.substr(0, 600).c_str());
  for (const IntegrityFinding& f : e.findings)
    std::printf("         finding %s: %s\n", f.kind.c_str(), f.evidence.substr(0, 120).c_str());
  if (!program.complaint.empty()) std::printf("         WRONG: %s\n", program.complaint.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  std::string why;
  if (!cuda_available(&why)) {
    std::printf("skipped: %s\n", why.c_str());
    return 0;
  }
  if (argc != 4) {
    std::fprintf(stderr, "usage: crucible-gpu-suspects CONFIGS HOSTILE_FOLDER BENIGN_FOLDER\n");
    return 2;
  }
  try {
    EvaluatorOptions options;
    options.backend = "cuda";
    options.config_directory = argv[1];
    options.run_directory = "/tmp/crucible-gpu-suspects";
    options.cache = false;
    options.write_records = false;
    options.time_budget_seconds = kSecondsOfTiming;
    Evaluator evaluator(options);
    const auto task = evaluator.task("rms_norm");
    (void)evaluator.warm(task);
    // The honest first: they are quick, and what the others leave behind must not be theirs.
    std::vector<Program> programs = programs_in(argv[3], false);
    for (Program& program : programs_in(argv[2], true)) programs.push_back(std::move(program));
    const auto now = [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()); };
    const auto begin = now();
    const auto evaluate = [&](const std::string& file, std::uint64_t seed) {
      EvaluateOptions asked;
      asked.seed = seed;
      return evaluator.evaluate(task, self_contained(file), asked);
    };
    const std::string folder = std::filesystem::path(argv[2]).parent_path().string() + "/";
    std::map<std::string, Evaluation> twins;
    for (const Program& program : programs)
      if (program.hostile && !twins.contains(program.fields.at("twin")))
        twins[program.fields.at("twin")] = evaluate(folder + program.fields.at("twin"), 1);
    for (const auto& [name, twin] : twins)
      if (twin.verdict != Verdict::correct) throw std::runtime_error(name + " is not correct: " + twin.explanation);
    std::atomic<std::size_t> next = 0;
    std::mutex printing;
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&] {
          for (std::size_t i = next++; i < programs.size(); i = next++) {
            Program& program = programs[i];
            const auto started = now();
            program.evaluation = evaluate(program.file, 100 + i);
            program.seconds = (now() - started).count();
            program.complaint = complain(program, program.hostile ? twins.at(program.fields.at("twin")) : Evaluation{});
            const std::lock_guard lock(printing);
            print(program);
            std::fflush(stdout);
          }
        });
    }
    int total[2] = {}, good[2] = {};
    for (const Program& program : programs) {
      ++total[program.hostile];
      good[program.hostile] += program.complaint.empty();
    }
    std::printf("hostile: %d of %d are paid nothing false; honest but suspicious: %d of %d are correct; %.0f s on %s\n",
                good[1], total[1], good[0], total[0], (now() - begin).count(), evaluator.device_name().c_str());
    return good[0] == total[0] && good[1] == total[1] ? 0 : 1;
  } catch (const std::exception& error) {
    std::printf("failed: %s\n", error.what());
    return 1;
  }
}
