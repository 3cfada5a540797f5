#include "env/backend/cuda/timed_lane.h"

#include <algorithm>
#include <cmath>

namespace crucible {
namespace {

using namespace std::chrono_literals;

constexpr auto kOpenDeadline = 20s;
constexpr int kCalibrationPairs = 6;
constexpr double kAdmittedEta = 16;  // a sloppier library does not loosen the bar
constexpr double kAssumedBandwidth = 2.5e12;

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const std::size_t n = v.size();
  return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/// What a chain's slots may take, and the contents that are made anew for every step beside them.
ChainLimits limits(const CallLayout& layout, std::uint64_t fresh_bytes) {
  std::uint64_t bytes = 1;
  for (const StorageLayout& s : layout.storages) bytes += s.bytes;
  ChainLimits bounds;
  bounds.live_bytes = (1024ull << 20) / (bytes + fresh_bytes) * bytes;  // well beyond three times the last-level cache
  return bounds;
}

double estimate_seconds(const CallLayout& layout) {
  double bytes = 0;
  for (const StorageLayout& s : layout.storages) bytes += static_cast<double>(s.bytes);
  return 2e-6 + bytes / kAssumedBandwidth;
}

}  // namespace

TimedLane::TimedLane(JudgeDevice& device, const Task& task, PoolCase& pool_case, const std::string& libexec)
    : device_(device),
      pool_case_(pool_case),
      entry_point_(task.name),
      launcher_(libexec + "/crucible-launcher"),
      oracle_(row_oracle(task.name, pool_case.layout)) {
  if (!oracle_) task_oracle_ = TaskOracle::find(task.name, pool_case.layout);
  if (!oracle_ && !task_oracle_) throw std::length_error("this task has no oracle on the device");
  std::vector<const CallContents*> contents;
  for (const PoolEntry& entry : pool_case.entries) contents.push_back(&entry.contents);
  pool_ = std::make_unique<DevicePool>(device, pool_case.layout, task.symmetry, contents, task.row_arguments,
                                       task_oracle_ ? task_oracle_->refreshed() : std::vector<std::string>{});
  plan_ = plan_chain(pool_case.layout, estimate_seconds(pool_case.layout),
                     limits(pool_case.layout, pool_->fresh_bytes()), unguessable);
}

std::unique_ptr<ChainSide> TimedLane::start() const {
  auto side = std::make_unique<ChainSide>(device_, *pool_, oracle_, plan_, launcher_);
  if (task_oracle_) side->judge_by(&*task_oracle_);
  return side;
}

std::unique_ptr<ChainSide> TimedLane::fresh_side() {
  if (standing_by_.empty()) return start();
  std::unique_ptr<ChainSide> side = std::move(standing_by_.front());
  standing_by_.pop_front();
  return side;
}

void TimedLane::stand_by() {
  while (standing_by_.size() < kCandidatesAhead * kLaunchersPerSide) standing_by_.push_back(start());
}

bool TimedLane::settled() {
  return std::all_of(standing_by_.begin(), standing_by_.end(),
                     [](const auto& side) { return side->worker().settled(); });
}

std::optional<double> TimedLane::median_marginal(ChainSide& side, int pairs, std::string& why, double* eta) {
  std::vector<double> marginal;
  for (int i = 0; i <= pairs; ++i) {
    const bool check = eta != nullptr;
    const ChainSample with = side.sample(kAdmittedEta, check), without = null_->sample(kAdmittedEta, false);
    if (!with.failure.empty() || !without.failure.empty()) {
      why = with.failure.empty() ? without.failure : with.failure;
      return std::nullopt;
    }
    if (check && !with.ok()) {
      why = with.wrong.empty() ? with.tampered : with.wrong;
      return std::nullopt;
    }
    if (eta != nullptr) *eta = std::max(*eta, with.largest_eta);
    if (i > 0)
      marginal.push_back(static_cast<double>((with.time - without.time).count()) / static_cast<double>(plan_.steps));
  }
  return median(marginal);
}

bool TimedLane::calibrate(const std::vector<BaselinePlugin>& plugins, std::vector<std::string>& notes) {
  const std::string& name = pool_case_.workload->name;
  null_ = start();
  if (std::string why = null_->open({ChainKernel::none, {}, {}, {}, {}}, kOpenDeadline); !why.empty())
    throw std::runtime_error("the null chain of " + name + " cannot be built: " + why);
  {
    std::string why;
    const std::unique_ptr<ChainSide> floor = start();
    if (why = floor->open({ChainKernel::null, {}, {}, {}, {}}, kOpenDeadline); !why.empty())
      throw std::runtime_error(why);
    if (const auto ns = median_marginal(*floor, kCalibrationPairs, why, nullptr)) floor_ns_ = *ns;
  }
  double worst_eta = 0;
  std::map<std::string, std::unique_ptr<ChainSide>> sides;
  const BaselinePlugin* best = nullptr;
  for (const BaselinePlugin& plugin : plugins) {
    auto side = start();
    const ChainSubject subject{ChainKernel::plugin, {}, {}, plugin.path, entry_point_};
    if (std::string why = side->open(subject, kOpenDeadline); !why.empty()) {
      notes.push_back(name + ": " + plugin.name + " does not serve it: " + why);
      continue;
    }
    std::string why;
    double eta = 0;
    const std::optional<double> ns = median_marginal(*side, kCalibrationPairs, why, &eta);
    if (!ns) {
      notes.push_back(name + ": " + plugin.name + " is not admitted: " + why);
      continue;
    }
    worst_eta = std::max(worst_eta, eta);
    all_ns_[plugin.name] = *ns;
    if (best == nullptr || *ns < baseline_ns_) {
      best = &plugin;
      baseline_ns_ = *ns;
    }
    sides[plugin.name] = std::move(side);
  }
  if (best == nullptr) return false;
  baseline_plugin_ = *best;
  max_eta_ = std::max(2.0, 2 * worst_eta);
  baselines_.push_back(std::move(sides[best->name]));
  std::vector<double> logs{std::log(baseline_ns_)};
  while (baselines_.size() < kLaunchersPerSide) {
    auto side = start();
    if (std::string why = side->open({ChainKernel::plugin, {}, {}, best->path, entry_point_}, kOpenDeadline);
        !why.empty())
      throw std::runtime_error("baseline " + best->name + " started once but not again: " + why);
    std::string why;
    double eta = 0;
    if (const auto ns = median_marginal(*side, kCalibrationPairs, why, &eta)) logs.push_back(std::log(*ns));
    baselines_.push_back(std::move(side));
  }
  if (logs.size() == 2) between_sd_ = std::fabs(logs[0] - logs[1]) / std::sqrt(2.0);
  // Two launchers say little about a spread: never less than what A/A on such devices shows.
  between_sd_ = std::max(between_sd_, 0.003);
  return true;
}

}  // namespace crucible
