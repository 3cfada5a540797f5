#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include "reward/quantile.h"
#include "reward/speedup.h"

namespace crucible {
namespace {

/// Beyond this a log interval says nothing, and exp() of it must stay finite in records.
constexpr double kWidest = 50;
/// Chance of calling warm's sd wrong when it is right.
constexpr double kRefutation = 0.001;

/// One workload's pairs in logarithms.
struct Sample {
  std::vector<double> ratio;  ///< log(t_b / t_c), winsorised: what lies in the trimmed tails sits at their border
  std::vector<std::uint32_t> candidate_runner, baseline_runner;
  double location = 0;        ///< trimmed mean of the log ratios
  double variance = 0;        ///< of that location (Yuen: winsorised variance over the untrimmed count)
  double degrees = 1;         ///< of that variance
  double level = 0;           ///< quiet level of (log t_b + log t_c) / 2: the lower quartile
  double level_variance = 0;  ///< of that level
};

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double squares_about(std::span<const double> values, double centre) {
  double sum = 0;
  for (double value : values) sum += (value - centre) * (value - centre);
  return sum;
}

bool usable(const TimedPair& pair) {
  return std::isfinite(pair.candidate_ns) && std::isfinite(pair.baseline_ns) && pair.candidate_ns > 0 &&
         pair.baseline_ns > 0;
}

std::optional<Sample> sample_of(const WorkloadTiming& workload, double trim) {
  Sample sample;
  std::vector<double> levels;
  for (const TimedPair& pair : workload.pairs) {
    if (!usable(pair)) continue;
    const double candidate = std::log(pair.candidate_ns), baseline = std::log(pair.baseline_ns);
    sample.ratio.push_back(baseline - candidate);
    sample.candidate_runner.push_back(pair.candidate_runner);
    sample.baseline_runner.push_back(pair.baseline_runner);
    levels.push_back((baseline + candidate) / 2);
  }
  const std::size_t n = sample.ratio.size();
  if (n < 2 || 2 * n < workload.pairs.size()) return std::nullopt;

  std::vector<double> sorted = sample.ratio;
  std::sort(sorted.begin(), sorted.end());
  const auto cut = std::min(static_cast<std::size_t>(trim * static_cast<double>(n)), (n - 2) / 2);
  const std::size_t kept = n - 2 * cut;
  sample.location = mean_of(std::span(sorted).subspan(cut, kept));
  for (double& value : sample.ratio) value = std::clamp(value, sorted[cut], sorted[n - 1 - cut]);
  sample.degrees = static_cast<double>(kept - 1);
  sample.variance = squares_about(sample.ratio, mean_of(sample.ratio)) / (static_cast<double>(kept) * sample.degrees);

  // A neighbour on the machine only ever slows, so the lower quartile finds the quiet level where the median may not.
  std::sort(levels.begin(), levels.end());
  sample.level = levels[(n - 1) / 4];
  sample.level_variance = squares_about(levels, sample.level) / static_cast<double>(n * (n - 1));
  return sample;
}

/// Σ over runners of (share of pairs)²: 1/G for G runners used alike.
double concentration(const std::vector<std::uint32_t>& runners) {
  std::map<std::uint32_t, double> pairs;
  for (std::uint32_t runner : runners) pairs[runner] += 1;
  double sum = 0;
  for (const auto& [runner, count] : pairs) sum += count * count;
  return sum / static_cast<double>(runners.size() * runners.size());
}

/// Variance of log S that the runners of one side show: the scatter of their own log S about the common one.
struct Scatter {
  double variance = 0;
  double degrees = 0;
};
Scatter scatter_between(std::span<const Sample> samples, std::span<const double> weights,
                        std::vector<std::uint32_t> Sample::*side) {
  std::map<std::uint32_t, double> deviation;
  for (std::size_t w = 0; w < samples.size(); ++w) {
    const Sample& sample = samples[w];
    const double centre = mean_of(sample.ratio);
    std::map<std::uint32_t, std::pair<double, int>> sums;
    for (std::size_t i = 0; i < sample.ratio.size(); ++i) {
      auto& [sum, count] = sums[(sample.*side)[i]];
      sum += sample.ratio[i] - centre, ++count;
    }
    for (const auto& [runner, sum] : sums) deviation[runner] += weights[w] * sum.first / sum.second;
  }
  const auto runners = static_cast<double>(deviation.size());
  if (runners < 2) return {};
  Scatter scatter{0, runners - 1};
  for (const auto& [runner, value] : deviation) scatter.variance += value * value / (runners * (runners - 1));
  return scatter;
}

/// Variance of log S that one side's runners bring: a runner's layout favours one workload, its clock favours all.
class RunnerVariance {
 public:
  void add(double sd) { sum_ += sd, squares_ += sd * sd; }
  double value(double shared) const { return shared * sum_ * sum_ + (1 - shared) * squares_; }

 private:
  double sum_ = 0, squares_ = 0;
};

/// Satterthwaite: degrees of freedom of a sum of independent variance estimates.
class Degrees {
 public:
  void add(double variance, double degrees) {
    sum_ += variance;
    if (degrees > 0) below_ += variance * variance / degrees;
  }
  double value() const { return below_ > 0 ? std::max(1.0, sum_ * sum_ / below_) : 1e6; }

 private:
  double sum_ = 0, below_ = 0;
};

}  // namespace

double between_runner_sd(std::span<const double> log_times, const IntervalSettings& settings) {
  constexpr double kPriorDegrees = 4;
  const double prior = settings.default_between_runner_sd * settings.default_between_runner_sd;
  if (log_times.empty()) return settings.default_between_runner_sd;
  const double seen = squares_about(log_times, mean_of(log_times));
  return std::sqrt((kPriorDegrees * prior + seen) / (kPriorDegrees + static_cast<double>(log_times.size() - 1)));
}

double alpha_of_look(int look, const IntervalSettings& settings) {
  const int last = static_cast<int>(settings.looks.size()) - 1;
  if (look < 0 || look > last) throw std::out_of_range("look " + std::to_string(look) + " is not planned");
  return (1 - settings.confidence) * std::ldexp(1.0, look == last ? -last : -(look + 1));
}

std::optional<SpeedupInterval> estimate_interval(std::span<WorkloadTiming> workloads, int look,
                                                 const IntervalSettings& settings) {
  const double alpha = alpha_of_look(look, settings);
  std::vector<Sample> samples;
  double candidate_total = 0, baseline_total = 0;
  SpeedupInterval result;
  for (WorkloadTiming& workload : workloads) {
    std::optional<Sample> sample = sample_of(workload, settings.trim);
    if (!sample) return std::nullopt;
    workload.candidate_ns = std::exp(sample->level - sample->location / 2);
    workload.baseline_ns = std::exp(sample->level + sample->location / 2);
    candidate_total += workload.count * *workload.candidate_ns;
    baseline_total += workload.count * *workload.baseline_ns;
    result.speedup.pairs += static_cast<int>(sample->ratio.size());
    samples.push_back(std::move(*sample));
  }
  if (!(candidate_total > 0) || !(baseline_total > 0)) return std::nullopt;

  // Delta method: d log S = Σ b_w·d log t_b − a_w·d log t_c, with a and b each workload's share of its side's time.
  std::vector<double> weights;
  Degrees degrees;
  RunnerVariance candidates, baselines;
  double largest = 0;
  for (std::size_t w = 0; w < samples.size(); ++w) {
    const WorkloadTiming& workload = workloads[w];
    const Sample& sample = samples[w];
    const double a = workload.count * *workload.candidate_ns / candidate_total;
    const double b = workload.count * *workload.baseline_ns / baseline_total;
    const double weight = (a + b) / 2, tilt = b - a;
    weights.push_back(weight);
    const double ratio_part = weight * weight * sample.variance, level_part = tilt * tilt * sample.level_variance;
    result.pair_variance += ratio_part + level_part;
    degrees.add(ratio_part, sample.degrees);
    degrees.add(level_part, static_cast<double>(sample.ratio.size() - 1));
    const double sd = workload.between_runner_sd > 0 ? workload.between_runner_sd : settings.default_between_runner_sd;
    candidates.add(a * sd * std::sqrt(concentration(sample.candidate_runner)));
    baselines.add(b * sd * std::sqrt(concentration(sample.baseline_runner)));
    if (b > largest) largest = b, result.speedup.mode = workload.mode;
  }
  const double shared = settings.shared_between_workloads;
  result.runner_variance = candidates.value(shared) + baselines.value(shared);
  degrees.add(result.runner_variance, settings.between_runner_degrees);
  result.degrees = degrees.value();

  // What this evaluation's own runners show. A little more than expected is paid for; far more refutes warm's sd, and
  // then the few runners seen are all that is known: their own quantile counts.
  const Scatter ours = scatter_between(samples, weights, &Sample::candidate_runner);
  const Scatter theirs = scatter_between(samples, weights, &Sample::baseline_runner);
  const double shown = ours.variance + theirs.variance, shown_degrees = ours.degrees + theirs.degrees;
  const double expected = result.pair_variance + result.runner_variance;
  if (shown > expected) {
    result.runner_variance = shown - result.pair_variance;
    if (expected <= 0 || fisher_upper_tail(shown / expected, shown_degrees, result.degrees) < kRefutation) {
      result.degrees = shown_degrees;
      result.warm_refuted = true;
    }
  }

  const double log_speedup = std::log(baseline_total / candidate_total);
  result.half_width = std::min(
      kWidest, student_two_sided(alpha, result.degrees) * std::sqrt(result.pair_variance + result.runner_variance));
  result.speedup.estimate = baseline_total / candidate_total;
  result.speedup.lower = std::exp(log_speedup - result.half_width);
  result.speedup.upper = std::exp(log_speedup + result.half_width);
  return result;
}

std::optional<Speedup> estimate_speedup(std::span<WorkloadTiming> workloads, int look,
                                        const IntervalSettings& settings) {
  std::optional<SpeedupInterval> interval = estimate_interval(workloads, look, settings);
  if (!interval) return std::nullopt;
  return interval->speedup;
}

}  // namespace crucible
