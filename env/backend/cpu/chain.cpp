#include "env/backend/cpu/chain.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>

#include "env/backend/cpu/wake.h"
#include "env/judge/fresh_set.h"
#include "env/judge/verify.h"

namespace crucible {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kRedZone = 256;
constexpr int kSamplesPerStep = 16;
constexpr int kWarmSteps = 3;
constexpr std::size_t kDecoyBytes = 2u << 20;  // of decoys compared after each chain, at random
constexpr std::uint64_t kChainsPerFreshSet = 4;

bool has_rms_bar(const std::vector<Tolerance>& tolerance) {
  return std::any_of(tolerance.begin(), tolerance.end(),
                     [](const Tolerance& each) { return each.max_rms_eta.has_value(); });
}

std::uint64_t load(const std::byte* at, std::uint32_t bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, bytes);
  return word;
}

}  // namespace

ChainClock::ChainClock(RunnerSession& session, const PoolCase& pool_case, Symmetry symmetry, const ChainShape& shape,
                       Choice choice, Crew& crew)
    : session_(session), pool_case_(pool_case), symmetry_(symmetry), shape_(shape), choice_(choice), crew_(crew) {
  const auto sets = static_cast<std::size_t>(shape.sets);
  slots_ = place_slots(pool_case.layout, sets, kRedZone, session.arena().size(), choice_);
  hands_.resize(sets);
  next_entry_ = choice_.below(pool_case.entries.size());
}

ChainClock::~ChainClock() {
  if (session_.tenant() == this) session_.set_tenant(nullptr);
}

void ChainClock::deal_sets() {
  if (session_.tenant() != this) {
    session_.set_tenant(this);
    for (std::size_t set = 0; set < slots_.size(); ++set) {
      session_.calls()[set] = prepare_call(pool_case_.layout, slots_[set], false);
      hands_[set].reset();
    }
  }
  std::vector<std::uint32_t> all(slots_.size());
  std::iota(all.begin(), all.end(), 0u);
  for (std::size_t i = all.size() - 1; i > 0; --i) std::swap(all[i], all[choice_.below(i + 1)]);
  order_.assign(all.begin(), all.begin() + shape_.calls);
  // Entries come back under the task's symmetry; one called set of one chain in four, at random, holds what nobody has
  // seen before: whoever remembers rows meets it soon, and its reference costs more than a chain.
  if (fresh_) hands_[fresh_set_].reset();
  fresh_.reset();
  fresh_set_ = order_[choice_.below(order_.size())];
  const bool freshened = choice_.below(kChainsPerFreshSet) == 0;
  if (freshened) hands_[fresh_set_].reset();
  // A called set loses its hand (verify), so every set called before gets contents of its own now.
  struct Task {
    std::uint32_t set;
    std::size_t entry;
    Choice choice;
  };
  std::vector<Task> tasks;
  for (std::uint32_t set = 0; set < slots_.size(); ++set)
    if (!hands_[set]) tasks.push_back({set, next_entry_++, Choice(choice_.next())});
  if (freshened)  // the longest first
    std::swap(tasks.front(), *std::find_if(tasks.begin(), tasks.end(), [&](auto& t) { return t.set == fresh_set_; }));
  crew_.each(tasks.size(), [&](std::size_t i) {
    Task& task = tasks[i];
    if (freshened && task.set == fresh_set_) fresh_ = freshen(pool_case_, task.entry, task.choice);
    deal_set(task.set, task.entry, task.choice);
  });
}

void ChainClock::deal_set(std::uint32_t set, std::size_t entry, Choice& choice) {
  const PoolCase& dealt = case_of(set);
  hands_[set] = draw_hand(dealt, symmetry_, entry, choice);
  deal(dealt, *hands_[set], slots_[set], session_.arena().base());
}

void ChainClock::draw_samples() {
  const CallLayout& layout = pool_case_.layout;
  std::vector<const TensorLayout*> outputs;
  for (const Argument& argument : layout.arguments)
    if (argument.kind == Argument::Kind::tensor && argument.tensor.access != Access::input &&
        argument.tensor.element_count() > 0)
      outputs.push_back(&argument.tensor);
  samples_.assign(order_.size(), {});
  if (outputs.empty()) return;
  for (std::size_t step = 0; step < order_.size(); ++step) {
    const Slot& slot = slots_[order_[step]];
    for (int i = 0; i < kSamplesPerStep; ++i) {
      const TensorLayout& tensor = *outputs[choice_.below(outputs.size())];
      std::int64_t at = 0;
      for (std::size_t d = 0; d < tensor.shape.size(); ++d)
        at += static_cast<std::int64_t>(choice_.below(static_cast<std::uint64_t>(tensor.shape[d]))) * tensor.strides[d];
      const auto element = static_cast<std::uint32_t>(size_of(tensor.dtype));
      samples_[step].push_back(
          {slot.storages[tensor.storage] + tensor.byte_offset + static_cast<std::size_t>(at) * element, element, 0});
    }
  }
}

ChainOutcome ChainClock::clocked(RunnerOperation operation, std::chrono::milliseconds call_deadline,
                                 std::chrono::nanoseconds allowance) {
  ChainOutcome outcome;
  const std::byte* arena = session_.arena().base();
  // From here on the runner can see its inputs: a kernel that owns the call loop would work through null steps unpaid.
  const auto woken = Clock::now();
  outcome.call = session_.wake(shape_.parked ? 1 : kWarmSteps, shape_.parked, call_deadline);
  if (outcome.call.status != CallOutcome::Status::done) return outcome;
  auto begin = Clock::now();
  outcome.wake = begin - woken;
  if (outcome.wake > allowance) begin = woken + allowance;
  for (std::size_t step = 0; step < order_.size(); ++step) {
    outcome.call = session_.perform(operation, order_[step], call_deadline);
    if (outcome.call.status != CallOutcome::Status::done) break;
    for (Sample& sample : samples_[step]) sample.seen = load(arena + sample.offset, sample.bytes);
    ++outcome.calls;
    if (outcome.call.return_code != 0 || outcome.call.threw) break;
  }
  bool stopped = false;
  if (shape_.parked) stopped = session_.stop();  // the work is over when no thread runs any more
  outcome.total_ns = std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
  if (!shape_.parked) stopped = session_.stop();
  if (!stopped && outcome.call.status == CallOutcome::Status::done) outcome.call.status = CallOutcome::Status::ended;
  return outcome;
}

bool ChainClock::replied_early(int step) const {
  const std::byte* arena = session_.arena().base();
  const std::vector<Sample>& samples = samples_[static_cast<std::size_t>(step)];
  return std::any_of(samples.begin(), samples.end(),
                     [&](const Sample& sample) { return load(arena + sample.offset, sample.bytes) != sample.seen; });
}

std::string ChainClock::reject_step(int step, bool whole_rule) {
  const std::uint32_t set = order_[static_cast<std::size_t>(step)];
  std::byte* arena = session_.arena().base();
  const PoolCase& dealt = case_of(set);
  const Hand& hand = *hands_[set];
  if (!whole_rule && accepted_in_place(dealt, hand, slots_[set], arena)) return {};
  const CallContents seen = collect(dealt, hand, slots_[set], arena);
  return whole_rule ? reject(dealt, hand.entry, seen) : reject_quickly(dealt, hand.entry, seen);
}

void ChainClock::verify(ChainOutcome& outcome) {
  const std::byte* arena = session_.arena().base();
  for (int step = 0; step < outcome.calls; ++step) outcome.early_replies += replied_early(step) ? 1 : 0;
  // The whole rule, root mean square included, holds for what nobody has seen and for one call at random.
  const auto calls = static_cast<std::size_t>(outcome.calls);
  const std::size_t whole = calls > 0 ? choice_.below(calls) : 0;
  const bool whole_is_steady = has_rms_bar(pool_case_.tolerance) && rms_is_steady(pool_case_.tolerance);
  const std::size_t stray_step = calls > 0 ? choice_.below(calls) : 0;
  std::vector<bool> called(slots_.size(), false);
  for (std::size_t step = 0; step < calls; ++step) called[order_[step]] = true;
  std::vector<std::uint32_t> untouched, decoys;
  for (std::uint32_t set = 0; set < slots_.size(); ++set)
    if (hands_[set] && !called[set]) untouched.push_back(set);
  for (std::size_t looked = 0; !untouched.empty() && looked < kDecoyBytes;) {
    std::swap(untouched[choice_.below(untouched.size())], untouched.back());
    decoys.push_back(untouched.back());
    untouched.pop_back();
    looked += slots_[decoys.back()].end - slots_[decoys.back()].begin;
  }
  std::vector<std::string> wrong(calls);
  std::atomic<bool> decoy_written{false};
  std::optional<StrayWrite> stray;
  if (calls > 0) {
    const std::uint32_t set = order_[stray_step];
    stray = find_stray_write(case_of(set), *hands_[set], slots_[set], arena);
  }
  crew_.each(decoys.size() + calls, [&](std::size_t i) {
    if (i < decoys.size()) {
      const std::uint32_t set = decoys[i];
      if (!as_dealt(case_of(set), *hands_[set], slots_[set], arena)) decoy_written = true;
      return;
    }
    const std::size_t step = i - decoys.size();
    const bool fresh = fresh_ && order_[step] == fresh_set_;
    wrong[step] = reject_step(static_cast<int>(step), fresh || (step == whole && whole_is_steady));
  });
  for (std::string& why : wrong)
    if (outcome.wrong.empty()) outcome.wrong = std::move(why);
  if (stray) outcome.stray = stray->what;
  outcome.decoy_written = decoy_written;
  for (std::size_t step = 0; step < calls; ++step) hands_[order_[step]].reset();
}

ChainOutcome ChainClock::run(std::chrono::milliseconds call_deadline, std::chrono::nanoseconds allowance) {
  deal_sets();
  draw_samples();
  ChainOutcome outcome = clocked(RunnerOperation::call, call_deadline, allowance);
  if (outcome.call.status == CallOutcome::Status::done) verify(outcome);
  return outcome;
}

ChainOutcome ChainClock::run_null(std::chrono::milliseconds call_deadline) {
  // The kernel runs once, unpaid, so that the sampled lines lie where a call leaves them: in the runner's cache.
  deal_sets();
  draw_samples();
  ChainOutcome outcome = clocked(RunnerOperation::call, call_deadline, WakeAllowance::kUncharged);
  if (outcome.call.status == CallOutcome::Status::done) {
    draw_samples();
    outcome = clocked(RunnerOperation::nothing, call_deadline, WakeAllowance::kUncharged);
  }
  for (std::uint32_t set : order_) hands_[set].reset();
  return outcome;
}

}  // namespace crucible
