#include "env/judge/case_run.h"

#include <cstring>

#include "env/judge/symmetry.h"
#include "env/judge/verify.h"

namespace crucible {
namespace {

/// Copies the elements of one tensor to another of the same dtype and shape.
void copy_elements(const TensorLayout& from, const std::byte* source, const TensorLayout& to, std::byte* target) {
  std::vector<std::byte> dense;
  for_each_run(from, [&](std::size_t offset, std::size_t bytes) {
    dense.insert(dense.end(), source + offset, source + offset + bytes);
  });
  std::size_t at = 0;
  for_each_run(to, [&](std::size_t offset, std::size_t bytes) {
    std::memcpy(target + offset, dense.data() + at, bytes);
    at += bytes;
  });
}

}  // namespace

Slot place_case(RunnerSession& session, const PoolCase& pool_case, Choice& choice) {
  return place_slots(pool_case.layout, 1, kCaseRedZone, session.arena().size(), choice).front();
}

CaseOutcome run_case(RunnerSession& session, const PoolCase& pool_case, const Hand& hand, const Slot& slot,
                     Choice& choice, std::chrono::milliseconds deadline) {
  CaseOutcome outcome;
  std::byte* arena = session.arena().base();
  session.calls()[0] = prepare_call(pool_case.layout, slot, choice.coin());
  deal(pool_case, hand, slot, arena);
  outcome.call = session.wake(1, false, deadline);
  if (outcome.call.status != CallOutcome::Status::done) return outcome;
  outcome.call = session.perform(RunnerOperation::call, 0, deadline);
  if (outcome.call.status != CallOutcome::Status::done) return outcome;
  if (!session.stop()) {
    outcome.call.status = CallOutcome::Status::ended;
    return outcome;
  }
  if (outcome.call.return_code != 0 || outcome.call.threw) return outcome;
  outcome.stray = find_stray_write(pool_case, hand, slot, arena);
  outcome.outputs = collect(pool_case, hand, slot, arena);
  return outcome;
}

std::optional<Feed> output_feed(const CallLayout& layout) {
  for (std::size_t o = 0; o < layout.arguments.size(); ++o) {
    const Argument& out = layout.arguments[o];
    if (out.kind != Argument::Kind::tensor || out.tensor.access == Access::input || out.tensor.element_count() == 0)
      continue;
    if (out.tensor.access == Access::inout) return Feed{o, o};
    for (std::size_t i = 0; i < layout.arguments.size(); ++i) {
      const Argument& in = layout.arguments[i];
      if (in.kind == Argument::Kind::tensor && in.tensor.access == Access::input &&
          in.tensor.dtype == out.tensor.dtype && in.tensor.shape == out.tensor.shape)
        return Feed{o, i};
    }
  }
  return std::nullopt;
}

std::string run_sequence(RunnerSession& session, const PoolCase& pool_case, std::size_t entry, Choice& choice,
                         std::chrono::milliseconds deadline, CallOutcome& outcome) {
  const CallLayout& layout = pool_case.layout;
  const std::optional<Feed> feed = output_feed(layout);
  if (!feed) return {};
  std::byte* arena = session.arena().base();
  const std::vector<Slot> slots = place_slots(layout, 2, kCaseRedZone, session.arena().size(), choice);
  Hand first = draw_hand(pool_case, Symmetry::none, entry, choice);
  Hand second = draw_hand(pool_case, Symmetry::none, entry, choice);
  deal(pool_case, first, slots[0], arena);
  deal(pool_case, second, slots[1], arena);
  session.calls()[0] = prepare_call(layout, slots[0], false);
  session.calls()[1] = prepare_call(layout, slots[1], false);
  const bool in_place = feed->output == feed->input;
  if (in_place) {
    session.calls()[1] = session.calls()[0];
  } else {
    CallArgument& fed = session.calls()[1].arguments[feed->input];
    const CallArgument& made = session.calls()[0].arguments[feed->output];
    fed = made;
  }
  std::optional<CallContents> left;  // what the first call left behind
  outcome = session.wake(1, false, deadline);
  for (std::uint32_t call = 0; call < 2 && outcome.status == CallOutcome::Status::done; ++call) {
    outcome = session.perform(RunnerOperation::call, call, deadline);
    if (outcome.status != CallOutcome::Status::done) return {};
    if (outcome.return_code != 0 || outcome.threw) return "a call that reads the previous call's output was refused";
    if (call == 0 && in_place) {  // the second call overwrites what the first one wrote
      if (!session.stop()) break;
      left = collect(pool_case, first, slots[0], arena);
      outcome = session.wake(1, false, deadline);
    }
  }
  if (outcome.status != CallOutcome::Status::done) return {};
  if (!session.stop()) {
    outcome.status = CallOutcome::Status::ended;
    return {};
  }
  if (!left) left = collect(pool_case, first, slots[0], arena);
  return reject_sequence(pool_case, entry, *feed, *left,
                         collect(pool_case, in_place ? first : second, slots[in_place ? 0 : 1], arena));
}

std::string reject_sequence(const PoolCase& pool_case, std::size_t entry, const Feed& feed, const CallContents& left,
                            const CallContents& last) {
  if (std::string wrong = reject(pool_case, entry, left); !wrong.empty()) return wrong;
  // The second call's truth follows from the bytes that the first one really left.
  const CallLayout& layout = pool_case.layout;
  PoolCase continued = pool_case;
  continued.entries.clear();
  PoolEntry made;
  made.contents = pool_case.entries[entry].contents;
  if (feed.output == feed.input) {
    for (const Argument& argument : layout.arguments)
      if (argument.kind == Argument::Kind::tensor && argument.tensor.access == Access::inout)
        copy_elements(argument.tensor, left.storages[argument.tensor.storage].data(), argument.tensor,
                      made.contents.storages[argument.tensor.storage].data());
  } else {
    const TensorLayout& out = layout.arguments[feed.output].tensor;
    const TensorLayout& in = layout.arguments[feed.input].tensor;
    copy_elements(out, left.storages[out.storage].data(), in, made.contents.storages[in.storage].data());
  }
  made.expected = pool_case.reference->compute(view_of(layout, made.contents));
  continued.entries.push_back(std::move(made));
  // An output fed back may be nearly constant, and then all its roundings err alike: the root mean square says nothing.
  std::vector<Tolerance> tolerance = pool_case.tolerance;
  for (Tolerance& each : tolerance) each.max_rms_eta.reset();
  Pool::accept(continued, std::move(tolerance));
  return reject(continued, 0, last);
}

}  // namespace crucible
