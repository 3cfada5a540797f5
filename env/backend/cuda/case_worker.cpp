#include "env/backend/cuda/case_worker.h"

#include "env/judge/verify.h"
#include "sandbox/launcher/wire.h"

namespace crucible {

std::string wrong_in(const PoolCase& pool_case, const Hand& hand, const CaseBytes& left) {
  if (const auto stray = find_stray_write(pool_case, hand, left.slot, left.bytes.data()))
    return "it changed " + stray->what;
  return reject(pool_case, hand.entry, collect(pool_case, hand, left.slot, left.bytes.data()));
}

Slot CaseWorker::place(const PoolCase& pool_case, Choice& choice) const {
  return place_slots(pool_case.layout, 1, kCaseRedZone, arena_bytes_, choice).front();
}

void CaseWorker::write(const PoolCase& pool_case, const Hand& hand, const Slot& slot) {
  if (staging_.size() < slot.end) staging_.resize(slot.end);
  deal(pool_case, hand, slot, staging_.data());
  copy_to_device(arena_ + slot.begin, staging_.data() + slot.begin, slot.end - slot.begin);
}

CaseBytes CaseWorker::read(const Slot& slot) {
  CaseBytes left;
  left.slot = slot;
  for (std::size_t& at : left.slot.storages) at -= slot.begin;
  left.slot.begin = 0;
  left.slot.end = slot.end - slot.begin;
  left.bytes.resize(left.slot.end);
  CRUCIBLE_CUDA(cuMemcpyDtoH, left.bytes.data(), arena_ + slot.begin, left.bytes.size());
  return left;
}

WorkerOutcome CaseWorker::perform(const PoolCase& pool_case, std::uint32_t call, const std::optional<Feed>& fed,
                                  std::chrono::milliseconds deadline) {
  return request_ ? worker_.ask(operation_, request_(pool_case, fed), call, deadline)
                  : worker_.perform(operation_, call, deadline);
}

WorkerOutcome CaseWorker::run(const PoolCase& pool_case, const Hand& hand, const Slot& slot, Choice& choice,
                              std::chrono::milliseconds deadline, CaseBytes& left) {
  prepare(pool_case, slot, choice.coin());
  write(pool_case, hand, slot);
  WorkerOutcome outcome = perform(pool_case, 0, std::nullopt, deadline);
  if (outcome.ok()) left = read(slot);
  return outcome;
}

std::optional<SequenceBytes> CaseWorker::run_sequence(const PoolCase& pool_case, std::size_t entry, Choice& choice,
                                                      std::chrono::milliseconds deadline, WorkerOutcome& outcome) {
  const CallLayout& layout = pool_case.layout;
  const std::optional<Feed> feed = output_feed(layout);
  if (!feed) return std::nullopt;
  const bool in_place = feed->output == feed->input;
  const std::vector<Slot> slots = place_slots(layout, 2, kCaseRedZone, arena_bytes_, choice);
  const Hand hands[2] = {draw_hand(pool_case, Symmetry::none, entry, choice),
                         draw_hand(pool_case, Symmetry::none, entry, choice)};
  write(pool_case, hands[0], slots[0]);
  write(pool_case, hands[1], slots[1]);
  const auto contents = [&](std::size_t which) {
    const CaseBytes left = read(slots[which]);
    return collect(pool_case, hands[which], left.slot, left.bytes.data());
  };
  PreparedCall* calls = worker_.control().calls().data();
  calls[0] = prepare_call(layout, slots[0], false);
  calls[1] = in_place ? calls[0] : prepare_call(layout, slots[1], false);
  if (!in_place) calls[1].arguments[feed->input] = calls[0].arguments[feed->output];
  const auto batch = [&](std::vector<std::uint32_t> indices) {
    if (request_) {  // no host code, so there is nothing to wait or not to wait between two calls
      for (const std::uint32_t index : indices)
        if (outcome = perform(pool_case, index, index == 1 ? feed : std::nullopt, deadline); !outcome.ok())
          return false;
      return true;
    }
    WireWriter request;
    request.values(indices);
    outcome = worker_.ask(CudaOperation::batch, request.take(), 0, deadline);
    return outcome.ok();
  };
  SequenceBytes sequence{*feed, {}, {}};
  if (in_place) {  // the second call overwrites what the first one wrote
    if (!batch({0})) return std::nullopt;
    sequence.left = contents(0);
    if (!batch({0})) return std::nullopt;
    sequence.last = contents(0);
  } else {
    if (!batch({0, 1})) return std::nullopt;
    sequence.left = contents(0);
    sequence.last = contents(1);
  }
  return sequence;
}

}  // namespace crucible
