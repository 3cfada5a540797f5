#include "env/backend/cuda/timing.h"

#include <algorithm>
#include <chrono>

namespace crucible {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kOpenDeadline = 20s;

/// One lane being timed.
struct Course {
  TimedLane* lane = nullptr;
  std::vector<std::unique_ptr<ChainSide>> candidate;
  std::optional<double> eager_ns;
  std::string withheld;  ///< why its chain cannot pay; empty when it can
  WorkloadTiming result;
};

class Timing {
 public:
  Timing(const CudaPreparedTask& prepared, const CandidateFacts& facts, Choice choice, Evaluation& evaluation)
      : choice_(choice), evaluation_(evaluation) {
    for (std::size_t i = 0; i < prepared.lanes.size(); ++i) {
      Course course;
      course.lane = prepared.lanes[i].get();
      course.eager_ns = facts.eager_ns[i];
      const Workload& workload = *course.lane->pool_case().workload;
      course.result.name = workload.name;
      course.result.dtype = std::string(to_string(workload.dtype));
      course.result.axes = workload.axes;
      course.result.count = workload.count;
      course.result.baseline = course.lane->baseline_name();
      course.result.mode = TimingMode::chain;
      course.result.between_runner_sd = course.lane->between_launcher_sd();
      open(course, facts.cubin, facts.records[i]);
      courses_.push_back(std::move(course));
    }
  }

  void run(const CudaJudgeSettings& settings, const CheckPoint& check_point) {
    const auto begin = Clock::now();
    // First chains, unpaid: what is loaded lazily, and the first look at the outputs.
    for (Course& course : courses_)
      for (std::size_t r = 0; r < course.candidate.size() && course.withheld.empty(); ++r)
        if (!candidate_chain(course, r) && evaluation_.verdict != Verdict::correct) return;
    const std::vector<int>& looks = settings.interval.looks;
    std::optional<LookOutcome> seen;
    for (std::size_t look = 0; look < looks.size(); ++look) {
      for (int pair = look == 0 ? 0 : looks[look - 1]; pair < looks[look]; ++pair) {
        if (check_point) check_point(static_cast<double>(pair) / static_cast<double>(looks.back()));
        for (Course& course : courses_) {
          one_pair(course, pair);
          if (evaluation_.verdict != Verdict::correct) return;
        }
      }
      std::vector<WorkloadTiming> timings;
      for (const Course& course : courses_) timings.push_back(course.result);
      seen = look_at(timings, static_cast<int>(look), settings.interval, settings.stopping);
      evaluation_.workloads = std::move(timings);
      if (!seen || seen->enough || look + 1 == looks.size()) break;
      const double spent = std::chrono::duration<double>(Clock::now() - begin).count();
      if (spent * static_cast<double>(looks[look + 1]) / static_cast<double>(looks[look]) > settings.budget_seconds)
        break;
    }
    if (!seen) throw std::runtime_error("no interval follows from the chains that were timed");
    evaluation_.speedup = seen->interval.speedup;
    evaluation_.speedup->mode = TimingMode::chain;
    withhold_where_needed();
  }

 private:
  void open(Course& course, const std::vector<std::byte>& cubin, const LaunchRecord& record) {
    course.withheld = record.not_replayable;
    if (!course.withheld.empty()) return;
    const ChainSubject subject{ChainKernel::candidate, cubin, encode(record), {}, {}};
    for (std::size_t r = 0; r < kLaunchersPerSide && course.withheld.empty(); ++r) {
      course.candidate.push_back(course.lane->fresh_side());
      course.withheld = course.candidate.back()->open(subject, kOpenDeadline);
    }
  }

  std::string place(const Course& course) const { return " on workload " + course.result.name + " while it was timed"; }

  /// Marginal-free time of one whole chain of the candidate's; empty when it cannot count.
  std::optional<double> candidate_chain(Course& course, std::size_t which) {
    const ChainSample sample = course.candidate[which]->sample(course.lane->max_eta(), true);
    if (!sample.failure.empty()) {
      course.withheld = "its launches could not be replayed: " + sample.failure;
      return std::nullopt;
    }
    if (!sample.tampered.empty()) {
      evaluation_.findings.push_back({"decoy_written", sample.tampered + place(course), true});
      evaluation_.verdict = Verdict::integrity_violation;
      evaluation_.explanation = evaluation_.findings.back().evidence;
      return std::nullopt;
    }
    if (!sample.wrong.empty()) {
      evaluation_.verdict = Verdict::wrong_result;
      evaluation_.explanation = sample.wrong + place(course);
      return std::nullopt;
    }
    return static_cast<double>(sample.time.count());
  }

  std::optional<double> trusted_chain(Course& course, ChainSide& side) {
    const ChainSample sample = side.sample(course.lane->max_eta(), false);
    if (!sample.failure.empty()) throw std::runtime_error("a baseline failed while it was timed: " + sample.failure);
    return static_cast<double>(sample.time.count());
  }

  void one_pair(Course& course, int pair) {
    // Every candidate launcher meets every baseline launcher.
    const auto c = static_cast<std::size_t>(pair) % kLaunchersPerSide;
    const auto b =
        (static_cast<std::size_t>(pair) / kLaunchersPerSide + static_cast<std::size_t>(pair)) % kLaunchersPerSide;
    std::array<int, 3> order{0, 1, 2};
    for (std::size_t i = 3; i > 1; --i) std::swap(order[i - 1], order[choice_.below(i)]);
    std::array<std::optional<double>, 3> time;
    for (const int which : order) {
      if (which == 0 && course.withheld.empty()) time[0] = candidate_chain(course, c);
      if (which == 1) time[1] = trusted_chain(course, course.lane->baseline(b));
      if (which == 2) time[2] = trusted_chain(course, course.lane->null_chain());
      if (evaluation_.verdict != Verdict::correct) return;
    }
    const auto steps = static_cast<double>(course.lane->plan().steps);
    const double baseline_ns = (*time[1] - *time[2]) / steps;
    double candidate_ns = 0;
    if (time[0])
      candidate_ns = (*time[0] - *time[2]) / steps;
    else if (course.eager_ns)
      candidate_ns = *course.eager_ns;
    else
      return;
    course.result.pairs.push_back(
        {candidate_ns, baseline_ns, static_cast<std::uint32_t>(c), static_cast<std::uint32_t>(b)});
  }

  void withhold_where_needed() {
    std::string why;
    for (std::size_t i = 0; i < courses_.size() && why.empty(); ++i) {
      const Course& course = courses_[i];
      const std::string name = course.result.name + ": ";
      if (!course.withheld.empty()) {
        why = name + course.withheld;
        evaluation_.workloads[i].mode = TimingMode::none;
      } else if (const auto ns = evaluation_.workloads[i].candidate_ns; ns && *ns < 0.9 * course.lane->floor_ns()) {
        why = name + "a call seems to take less than an empty kernel";
      }
    }
    if (why.empty()) return;
    evaluation_.speedup->withheld = true;
    evaluation_.speedup->withheld_reason = why;
    evaluation_.speedup->lower = std::min(1.0, evaluation_.speedup->lower);
  }

  Choice choice_;
  Evaluation& evaluation_;
  std::vector<Course> courses_;
};

}  // namespace

void time_candidate(const CudaPreparedTask& prepared, const CandidateFacts& facts, const CudaJudgeSettings& settings,
                    Choice choice, Evaluation& evaluation, const CheckPoint& check_point) {
  Timing timing(prepared, facts, choice, evaluation);
  timing.run(settings, check_point);
}

}  // namespace crucible
