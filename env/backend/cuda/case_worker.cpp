#include "env/backend/cuda/case_worker.h"

#include <array>
#include <cstring>

#include "env/judge/case_run.h"
#include "env/judge/verify.h"
#include "sandbox/launcher/wire.h"

namespace crucible {

void CaseWorker::write(const PoolCase& pool_case, const Hand& hand, const Slot& slot) {
  if (staging_.size() < slot.end) staging_.resize(slot.end);
  deal(pool_case, hand, slot, staging_.data());
  copy_to_device(arena_ + slot.begin, staging_.data() + slot.begin, slot.end - slot.begin);
}

void CaseWorker::read(const Slot& slot) {
  CRUCIBLE_CUDA(cuMemcpyDtoH, staging_.data() + slot.begin, arena_ + slot.begin, slot.end - slot.begin);
}

void CaseWorker::collect_into(CudaCaseOutcome& outcome, const PoolCase& pool_case, const Hand& hand, const Slot& slot) {
  read(slot);
  outcome.stray = find_stray_write(pool_case, hand, slot, staging_.data());
  outcome.outputs = collect(pool_case, hand, slot, staging_.data());
}

CudaCaseOutcome CaseWorker::run(const PoolCase& pool_case, const Hand& hand, Choice& choice,
                                std::chrono::milliseconds deadline) {
  CudaCaseOutcome outcome;
  const Slot slot = place_slots(pool_case.layout, 1, kCaseRedZone, arena_bytes_, choice).front();
  worker_.control().calls()[0] = prepare_call(pool_case.layout, slot, choice.coin());
  write(pool_case, hand, slot);
  outcome.call = worker_.perform(operation_, 0, deadline);
  if (outcome.call.ok()) collect_into(outcome, pool_case, hand, slot);
  return outcome;
}

CudaCaseOutcome CaseWorker::run_graph(const PoolCase& pool_case, const Hand& captured, const Hand& replayed,
                                      Choice& choice, std::chrono::milliseconds deadline) {
  CudaCaseOutcome outcome;
  const Slot slot = place_slots(pool_case.layout, 1, kCaseRedZone, arena_bytes_, choice).front();
  worker_.control().calls()[0] = prepare_call(pool_case.layout, slot, false);
  write(pool_case, captured, slot);
  outcome.call = worker_.perform(CudaOperation::build_graph, 0, deadline);
  if (!outcome.call.ok()) return outcome;
  write(pool_case, replayed, slot);
  outcome.call = worker_.perform(CudaOperation::launch_graph, 0, deadline);
  if (outcome.call.ok()) collect_into(outcome, pool_case, replayed, slot);
  return outcome;
}

std::string CaseWorker::run_sequence(const PoolCase& pool_case, std::size_t entry, Choice& choice,
                                     std::chrono::milliseconds deadline, WorkerOutcome& outcome) {
  const CallLayout& layout = pool_case.layout;
  const std::optional<Feed> feed = output_feed(layout);
  if (!feed || feed->output == feed->input) return {};
  const std::vector<Slot> slots = place_slots(layout, 2, kCaseRedZone, arena_bytes_, choice);
  const Hand first = draw_hand(pool_case, Symmetry::none, entry, choice);
  const Hand second = draw_hand(pool_case, Symmetry::none, entry, choice);
  write(pool_case, first, slots[0]);
  write(pool_case, second, slots[1]);
  PreparedCall& fed = worker_.control().calls()[1];
  worker_.control().calls()[0] = prepare_call(layout, slots[0], false);
  fed = prepare_call(layout, slots[1], false);
  fed.arguments[feed->input] = worker_.control().calls()[0].arguments[feed->output];
  WireWriter request;
  request.values(std::vector<std::uint32_t>{0, 1});
  outcome = worker_.ask(CudaOperation::batch, request.take(), 0, deadline);
  if (outcome.status != WorkerOutcome::Status::done) return {};
  if (!outcome.ok()) return "a call that reads the previous call's output was refused";
  read(slots[0]);
  read(slots[1]);
  const CallContents left = collect(pool_case, first, slots[0], staging_.data());
  if (std::string wrong = reject(pool_case, entry, left); !wrong.empty()) return wrong;
  // The second call's truth follows from the bytes that the first one really left.
  PoolCase continued = pool_case;
  continued.entries.clear();
  PoolEntry made;
  made.contents = pool_case.entries[entry].contents;
  const TensorLayout& out = layout.arguments[feed->output].tensor;
  const TensorLayout& in = layout.arguments[feed->input].tensor;
  std::vector<std::byte> dense;
  for_each_run(out, [&](std::size_t at, std::size_t bytes) {
    const std::byte* from = left.storages[out.storage].data() + at;
    dense.insert(dense.end(), from, from + bytes);
  });
  std::size_t taken = 0;
  for_each_run(in, [&](std::size_t at, std::size_t bytes) {
    std::memcpy(made.contents.storages[in.storage].data() + at, dense.data() + taken, bytes);
    taken += bytes;
  });
  made.expected = pool_case.reference->compute(view_of(layout, made.contents));
  continued.entries.push_back(std::move(made));
  Pool::accept(continued, pool_case.tolerance);
  return reject(continued, 0, collect(continued, Hand{}, slots[1], staging_.data()));
}

}  // namespace crucible
