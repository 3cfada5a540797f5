#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "reward/speedup.h"

namespace crucible::testing {

/// A noisy machine whose truth is known. Times are quiet time · runner effect · disturbance, one chain after another.
struct Machine {
  std::string name;
  double noise = 0.005;     ///< sd of log time from chain to chain
  double drift = 0;         ///< log time per chain, for ever upwards
  double spike_chance = 0;  ///< a chain is slowed by 1 + an exponential of mean spike_size
  double spike_size = 0;
  double slow_mode_chance = 0;  ///< a chain runs in a second mode, slower by slow_mode
  double slow_mode = 0;
  double wander = 0;             ///< sd of a stationary AR(1) process in log time
  double wander_memory = 0;      ///< its correlation from chain to chain
  double tenant_slows = 0;       ///< a neighbour comes and goes, and slows by this while there
  double tenant_switch = 0;      ///< chance per chain that it comes or goes
  double runner_sd = 0.01;       ///< truth of what warm measured
  double shared_runner_sd = 0;   ///< the part of it that all workloads of one runner share, as a share of variance
  double told_runner_sd = 0.01;  ///< what warm says
};

struct SyntheticWorkload {
  double count = 1;
  double baseline_ns = 1000;
  double speedup = 1;
};

/// One evaluation of a candidate of known speedup on `machine`, look after look.
class SyntheticEvaluation {
 public:
  SyntheticEvaluation(const Machine& machine, std::vector<SyntheticWorkload> truth, int runners, std::uint64_t seed)
      : machine_(machine), truth_(std::move(truth)), runners_(runners), random_(seed) {
    tenant_ = machine_.tenant_slows > 0 && chance(0.5);
    wander_ = machine_.wander * normal();
    for (const SyntheticWorkload& workload : truth_) {
      WorkloadTiming timing;
      timing.count = workload.count;
      timing.mode = TimingMode::reveal;
      timing.between_runner_sd = machine_.told_runner_sd;
      timings_.push_back(timing);
    }
    const double shared = std::sqrt(machine_.shared_runner_sd), own = std::sqrt(1 - machine_.shared_runner_sd);
    for (int side = 0; side < 2; ++side) {
      for (int runner = 0; runner < runners_; ++runner) {
        const double common = shared * normal();
        for (std::size_t w = 0; w < truth_.size(); ++w) {
          effects_.push_back(machine_.runner_sd * (common + own * normal()));
        }
      }
    }
  }

  double true_speedup() const {
    double baseline = 0, candidate = 0;
    for (const SyntheticWorkload& workload : truth_) {
      baseline += workload.count * workload.baseline_ns;
      candidate += workload.count * workload.baseline_ns / workload.speedup;
    }
    return baseline / candidate;
  }

  /// Measures until every workload has `pairs` pairs: interleaved, sides in random order, runners crossed.
  std::vector<WorkloadTiming>& measure(int pairs) {
    for (int i = static_cast<int>(timings_.front().pairs.size()); i < pairs; ++i) {
      for (std::size_t w = 0; w < truth_.size(); ++w) {
        TimedPair pair;
        pair.candidate_runner = static_cast<std::uint32_t>(i % runners_);
        pair.baseline_runner = static_cast<std::uint32_t>((i + i / runners_) % runners_);
        const bool candidate_first = chance(0.5);
        for (bool first : {true, false}) {
          const bool is_candidate = first == candidate_first;
          const double quiet = truth_[w].baseline_ns / (is_candidate ? truth_[w].speedup : 1);
          const int runner = static_cast<int>(is_candidate ? pair.candidate_runner : pair.baseline_runner);
          (is_candidate ? pair.candidate_ns : pair.baseline_ns) = quiet * disturbed(is_candidate, runner, w);
        }
        timings_[w].pairs.push_back(pair);
      }
    }
    return timings_;
  }

 private:
  double normal() { return normal_(random_); }
  bool chance(double p) { return std::uniform_real_distribution<double>(0, 1)(random_) < p; }

  double disturbed(bool is_candidate, int runner, std::size_t workload) {
    ++chains_;
    double log_time = effects_[((is_candidate ? 0 : runners_) + runner) * truth_.size() + workload];
    log_time += machine_.noise * normal() + machine_.drift * chains_;
    wander_ = machine_.wander_memory * wander_ +
              machine_.wander * std::sqrt(1 - machine_.wander_memory * machine_.wander_memory) * normal();
    log_time += wander_;
    if (machine_.tenant_slows > 0 && chance(machine_.tenant_switch)) tenant_ = !tenant_;
    if (tenant_) log_time += std::log1p(machine_.tenant_slows);
    if (machine_.slow_mode_chance > 0 && chance(machine_.slow_mode_chance)) log_time += std::log1p(machine_.slow_mode);
    if (machine_.spike_chance > 0 && chance(machine_.spike_chance)) {
      log_time += std::log1p(std::exponential_distribution<double>(1 / machine_.spike_size)(random_));
    }
    return std::exp(log_time);
  }

  Machine machine_;
  std::vector<SyntheticWorkload> truth_;
  int runners_;
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_{0, 1};
  std::vector<double> effects_;
  std::vector<WorkloadTiming> timings_;
  double wander_ = 0;
  bool tenant_ = false;
  int chains_ = 0;
};

/// The machines of the campaign.
inline std::vector<Machine> noisy_machines() {
  std::vector<Machine> machines;
  const auto add = [&](const char* name, auto change) {
    Machine machine;
    machine.name = name;
    change(machine);
    machines.push_back(machine);
  };
  add("quiet", [](Machine&) {});
  add("noisy", [](Machine& m) { m.noise = 0.03; });
  add("shared layout", [](Machine& m) { m.shared_runner_sd = 1; });
  add("drift", [](Machine& m) { m.drift = 0.002; });
  add("spikes", [](Machine& m) { m.spike_chance = 0.05, m.spike_size = 0.5; });
  add("bimodal", [](Machine& m) { m.slow_mode_chance = 0.3, m.slow_mode = 0.06; });
  add("autocorrelated", [](Machine& m) { m.wander = 0.04, m.wander_memory = 0.95; });
  add("tenant", [](Machine& m) { m.tenant_slows = 0.3, m.tenant_switch = 0.1; });
  return machines;
}

}  // namespace crucible::testing
