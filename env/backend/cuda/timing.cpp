#include "env/backend/cuda/timing.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

namespace crucible {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kOpenDeadline = 20s;
constexpr auto kCoolDown = 100ms;
constexpr auto kFreshLook = 3ms;     // one look ends a pair and begins the next
constexpr int kThrottledPairs = 20;  // of one evaluation; more, and the device cannot be measured now

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
  Timing(const CudaPreparedTask& prepared, const CandidateFacts& facts, const Telemetry& telemetry, Choice choice,
         Evaluation& evaluation, std::vector<std::unique_ptr<ChainSide>>& spent)
      : telemetry_(telemetry), choice_(choice), evaluation_(evaluation), spent_(spent) {
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
      course.withheld = facts.records[i].not_replayable;
      courses_.push_back(std::move(course));
    }
    open(facts);
  }
  ~Timing() {
    for (Course& course : courses_)
      for (std::unique_ptr<ChainSide>& side : course.candidate) spent_.push_back(std::move(side));
  }
  Timing(const Timing&) = delete;
  Timing& operator=(const Timing&) = delete;

  void run(const CudaJudgeSettings& settings, const CheckPoint& check_point) {
    const auto begin = Clock::now();
    auto stage = [&, since = begin](const char* name) mutable {
      evaluation_.stage_seconds[name] = std::chrono::duration<double>(Clock::now() - since).count();
      since = Clock::now();
    };
    // First chains, unpaid: what is loaded lazily, and the first look at the outputs.
    for (Course& course : courses_)
      for (std::size_t r = 0; r < course.candidate.size() && course.withheld.empty(); ++r)
        if (!first_chain(course, *course.candidate[r]) && evaluation_.verdict != Verdict::correct) return;
    stage("time_first");
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
    if (!seen && withheld_without_time()) return;
    if (!seen) throw std::runtime_error("no interval follows from the chains that were timed");
    stage("time_pairs");
    evaluation_.device_state = log_.summary();
    for (const Course& course : courses_)  // a slow host part shows here; it earns and costs nothing
      if (course.eager_ns) evaluation_.device_state["eager_ns/" + course.result.name] = *course.eager_ns;
    evaluation_.speedup = seen->interval.speedup;
    evaluation_.speedup->mode = TimingMode::chain;
    withhold_where_needed();
  }

 private:
  /// Opens all launchers side by side: each loads the module and builds its graph in a process of its own.
  void open(const CandidateFacts& facts) {
    std::vector<std::pair<Course*, std::future<std::string>>> opening;
    for (std::size_t i = 0; i < courses_.size(); ++i) {
      Course& course = courses_[i];
      if (!course.withheld.empty()) continue;
      const bool declared = !facts.declared.empty();
      const ChainSubject subject{ChainKernel::candidate,
                                 facts.cubin,
                                 declared ? facts.declared[i] : encode(facts.records[i]),
                                 {},
                                 {},
                                 declared};
      for (std::size_t r = 0; r < kLaunchersPerSide; ++r) {
        course.candidate.push_back(course.lane->fresh_side());
        ChainSide* side = course.candidate.back().get();
        opening.emplace_back(
            &course, std::async(std::launch::async, [side, subject] { return side->open(subject, kOpenDeadline); }));
      }
    }
    for (auto& [course, outcome] : opening)
      if (const std::string why = outcome.get(); course->withheld.empty()) course->withheld = why;
    for (const Course& course : courses_)
      for (const auto& side : course.candidate) add_resources(side->resources());
  }

  void add_resources(const std::string& lines) {
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t end = std::min(lines.find('\n', at), lines.size() - 1) + 1;
      const std::string line = lines.substr(at, end - at);
      if (evaluation_.diagnostics.find(line) == std::string::npos) evaluation_.diagnostics += line;
      at = end;
    }
  }

  std::string place(const Course& course) const { return " on workload " + course.result.name + " while it was timed"; }

  /// Whether the candidate's chain that `sample` describes counts.
  bool counts(Course& course, const ChainSample& sample) {
    if (!sample.failure.empty()) {
      course.withheld = "its launches could not be replayed: " + sample.failure;
      return false;
    }
    if (!sample.tampered.empty()) {
      evaluation_.findings.push_back({"decoy_written", sample.tampered + place(course), true});
      evaluation_.verdict = Verdict::integrity_violation;
      evaluation_.explanation = evaluation_.findings.back().evidence;
      return false;
    }
    if (!sample.wrong.empty()) {
      evaluation_.verdict = Verdict::wrong_result;
      evaluation_.explanation = sample.wrong + place(course);
      return false;
    }
    return true;
  }

  bool first_chain(Course& course, ChainSide& side) {
    return counts(course, side.sample(course.lane->max_eta(), true));
  }

  /// The device's state now, or a moment ago. True when heat or power slows it now.
  bool throttled() {
    if (Clock::now() - looked_ < kFreshLook) return hot_;
    const std::optional<DeviceState> state = telemetry_.read();
    if (state) log_.add(*state);
    looked_ = Clock::now();
    hot_ = state && state->throttled();
    return hot_;
  }

  /// A pair that counts: those taken while the device was throttled are taken again.
  void one_pair(Course& course, int pair) {
    for (;;) {
      const bool before = throttled();
      const std::optional<TimedPair> taken = measure(course, pair);
      if (evaluation_.verdict != Verdict::correct || !taken) return;
      if (!throttled() && !before) {
        course.result.pairs.push_back(*taken);
        return;
      }
      log_.drop_pair();
      if (log_.dropped_pairs() > kThrottledPairs)
        throw std::runtime_error("the device is throttled by heat or power; nothing can be timed on it now");
      std::this_thread::sleep_for(kCoolDown);
    }
  }

  /// Three chains next to each other, in random order: the candidate's, the baseline's, and one without a kernel. They
  /// are dealt together beforehand, so that nothing but they lies between them.
  std::optional<TimedPair> measure(Course& course, int pair) {
    // Every candidate launcher meets every baseline launcher.
    const auto c = static_cast<std::size_t>(pair) % kLaunchersPerSide;
    const auto b =
        (static_cast<std::size_t>(pair) / kLaunchersPerSide + static_cast<std::size_t>(pair)) % kLaunchersPerSide;
    std::array<ChainSide*, 3> sides{course.withheld.empty() ? course.candidate[c].get() : nullptr,
                                    &course.lane->baseline(b), &course.lane->null_chain()};
    std::array<ChainSample, 3> samples;
    for (ChainSide* side : sides)
      if (side != nullptr) side->begin();
    for (std::size_t i = 0; i < sides.size(); ++i)
      if (sides[i] != nullptr) samples[i].failure = sides[i]->ready();
    std::array<std::size_t, 3> order{0, 1, 2};
    for (std::size_t i = 3; i > 1; --i) std::swap(order[i - 1], order[choice_.below(i)]);
    for (const std::size_t i : order)
      if (sides[i] != nullptr && samples[i].failure.empty()) samples[i] = sides[i]->run();
    for (const std::size_t i : {std::size_t{1}, std::size_t{2}})
      if (!samples[i].failure.empty())
        throw std::runtime_error("a baseline failed while it was timed: " + samples[i].failure);
    if (sides[0] != nullptr) {
      if (samples[0].failure.empty()) sides[0]->verify(samples[0], course.lane->max_eta());
      if (!counts(course, samples[0]) && evaluation_.verdict != Verdict::correct) return std::nullopt;
    }
    const auto steps = static_cast<double>(course.lane->plan().steps);
    const auto per_call = [&](std::size_t i) {
      return static_cast<double>((samples[i].time - samples[2].time).count()) / steps;
    };
    TimedPair taken;
    taken.baseline_ns = per_call(1);
    if (course.withheld.empty())
      taken.candidate_ns = per_call(0);
    else if (course.eager_ns)
      taken.candidate_ns = *course.eager_ns;
    else
      return std::nullopt;
    taken.candidate_runner = static_cast<std::uint32_t>(c);
    taken.baseline_runner = static_cast<std::uint32_t>(b);
    return taken;
  }

  /// A workload that cannot be replayed and has no time in the runner either: nothing is known about the speed.
  bool withheld_without_time() {
    for (std::size_t i = 0; i < courses_.size(); ++i) {
      if (courses_[i].withheld.empty() || courses_[i].eager_ns) continue;
      Speedup unknown;
      unknown.withheld = true;
      unknown.withheld_reason = courses_[i].result.name + ": " + courses_[i].withheld;
      evaluation_.speedup = unknown;
      return true;
    }
    return false;
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

  const Telemetry& telemetry_;
  DeviceLog log_;
  Clock::time_point looked_{};
  bool hot_ = false;
  Choice choice_;
  Evaluation& evaluation_;
  std::vector<std::unique_ptr<ChainSide>>& spent_;
  std::vector<Course> courses_;
};

}  // namespace

void time_candidate(const CudaPreparedTask& prepared, const CandidateFacts& facts, const CudaJudgeSettings& settings,
                    const Telemetry& telemetry, Choice choice, Evaluation& evaluation,
                    std::vector<std::unique_ptr<ChainSide>>& spent, const CheckPoint& check_point) {
  const auto begin = Clock::now();
  Timing timing(prepared, facts, telemetry, choice, evaluation, spent);
  evaluation.stage_seconds["time_open"] = std::chrono::duration<double>(Clock::now() - begin).count();
  timing.run(settings, check_point);
}

}  // namespace crucible
