#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "env/backend/cpu/chain.h"
#include "env/judge/prepared_task.h"
#include "reward/speedup.h"

namespace crucible {

/// Why timing ended before the interval was narrow enough, or what it found out about the candidate.
struct TimingOutcome {
  std::vector<WorkloadTiming> workloads;
  std::optional<Speedup> speedup;
  std::vector<IntegrityFinding> findings;
  std::optional<Verdict> verdict;  ///< crashed, timed_out, wrong_result or integrity_violation seen while timing
  std::string explanation;
  bool baseline_failed = false;  ///< our side broke: infrastructure_error
  double kernel_seconds = 0;     ///< spent inside chains of both sides
};

struct TimingSettings {
  IntervalSettings interval;
  StoppingRule stopping;
  double budget_seconds = 5;
  std::chrono::milliseconds call_deadline{2000};
};

/// Times a correct candidate against the fastest baseline of every timed workload: paired chains in random order, each
/// side spread over two fresh runners, the other side stopped. `kernel` is the candidate.
TimingOutcome time_candidate(Warden& warden, const Machine& machine, const PreparedTask& prepared, const Kernel& kernel,
                             const TimingSettings& settings, Choice choice, const CheckPoint& check_point);

}  // namespace crucible
