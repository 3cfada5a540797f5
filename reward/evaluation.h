#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reward/verdict.h"

namespace crucible {

/// How a workload was timed (DESIGN.md, "The clock").
enum class TimingMode : std::uint8_t {
  none,      ///< not timed
  chain,     ///< cuda: replayed as a dealt chain
  reveal,    ///< cpu: one core, next set revealed after the previous output was seen
  interval,  ///< cpu: all cores, one call per interval, clock stops when all threads are stopped
};

std::string_view to_string(TimingMode mode);
std::optional<TimingMode> timing_mode_from_string(std::string_view name);

/// Evidence about a candidate's integrity.
struct IntegrityFinding {
  std::string kind;         ///< a stable name: "forbidden_system_call", "early_reply", "decoy_written", …
  std::string evidence;     ///< one readable sentence
  bool conclusive = false;  ///< true: the verdict is integrity_violation; false: reported, or the speed is withheld
};

/// One paired measurement: candidate and baseline chains run next to each other in random order.
struct TimedPair {
  double candidate_ns = 0;             ///< per call, null chain subtracted
  double baseline_ns = 0;              ///< per call, null chain subtracted
  std::uint32_t candidate_runner = 0;  ///< which fresh runner (or launcher) of the candidate's side
  std::uint32_t baseline_runner = 0;   ///< likewise of the baseline's side
};

/// What was measured about one timed workload.
struct WorkloadTiming {
  std::string name;                                        ///< unique within the task
  std::string dtype;                                       ///< "f32", "bf16", …
  std::vector<std::pair<std::string, std::int64_t>> axes;  ///< in the task's order
  double count = 1;                                        ///< how often production runs it
  std::string baseline;                                    ///< the baseline that was fastest here
  TimingMode mode = TimingMode::none;
  std::vector<TimedPair> pairs;        ///< in the order measured
  double between_runner_sd = 0;        ///< sd of log time between fresh runners, from warm's A/A
  std::optional<double> roof_ns;       ///< speed of light on this machine
  std::optional<double> candidate_ns;  ///< the summary that S uses
  std::optional<double> baseline_ns;   ///< the summary that S uses
};

/// Cases of one distribution family (DESIGN.md: q counts families that every trivial program fails).
struct FamilyOutcome {
  std::string family;
  bool counted = true;  ///< false where a trivial program passes the family
  int cases = 0;
  int passed = 0;
};

/// One failed case, as the candidate's author may see it.
struct CaseFailure {
  std::string workload;     ///< name; empty for a hidden workload
  std::string family;       ///< the distribution family: the category a hidden case may reveal
  std::string explanation;  ///< one sentence; for hidden cases without shapes and values
  bool hidden = false;
};

/// S = Σ c·t_b / Σ c·t_c with a two-sided 99 % interval over all looks.
struct Speedup {
  double estimate = 0;
  double lower = 0;
  double upper = 0;
  int pairs = 0;  ///< paired chains over all workloads
  TimingMode mode = TimingMode::none;
  bool withheld = false;  ///< true: lower was reduced to min(1, in-runner figure) and N = 0
  std::string withheld_reason;
};

/// One kernel of the known set or of the discovery snapshot, seen from the candidate.
struct Neighbour {
  std::string name;
  double similarity = 0;                              ///< maximum over views, in [0, 1]
  std::vector<std::pair<std::string, double>> views;  ///< similarity per view
  std::vector<std::string> shared_techniques;
};

/// Facts about how new the candidate is; the reward's N and P derive from them and from the speedup.
struct NoveltyFacts {
  std::optional<double> score;     ///< N before the speed gate; empty when the analyser failed
  double similarity = 0;           ///< to the nearest known kernel
  std::vector<Neighbour> nearest;  ///< at most three, most similar first
  std::vector<std::string> techniques;
  std::string snapshot;                 ///< content hash of known set + discovery snapshot
  std::optional<double> best_known;     ///< best speedup known for this task on this device
  std::optional<double> match_speedup;  ///< speedup of the nearest known kernel, where known
  std::string failure;                  ///< why the analyser failed, when it did
  std::string sentence;                 ///< one plain sentence for a person
};

/// Everything that was measured about one candidate. Status decides which fields exist; what was not measured is
/// empty. From this value, and a reward model, the reward follows without any clock, device or file.
struct Evaluation {
  std::string task;
  std::string backend;
  std::string device;
  Verdict verdict = Verdict::infrastructure_error;
  std::string explanation;  ///< one readable paragraph: exception text, signal, workload, …
  std::string diagnostics;  ///< compiler output, bounded, with the candidate's line numbers
  std::string output;       ///< first 4 KiB that the candidate wrote to stdout and stderr: hostile text, never evidence
  std::vector<IntegrityFinding> findings;
  std::vector<FamilyOutcome> families;
  std::vector<CaseFailure> failures;  ///< at most one per family
  std::vector<WorkloadTiming> workloads;
  std::optional<Speedup> speedup;  ///< present only for timed candidates
  NoveltyFacts novelty;
  std::map<std::string, double> stage_seconds;
  /// What the device was like while it was timed ("sm_mhz_lowest", "temperature_c", "pairs_dropped", …); empty where
  /// that is not to be had.
  std::map<std::string, double> device_state;
  std::map<std::string, std::string> versions;
  std::string isolation_level;            ///< "full", "user", "container"
  std::map<std::string, bool> isolation;  ///< each wall, and whether it stood
  std::uint64_t seed = 0;
  std::string source_sha256;
  bool cached = false;

  /// q of the design: share of counted families passed whole; 0 when none is counted.
  double passed_share() const;
};

}  // namespace crucible
