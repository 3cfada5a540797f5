#include "env/backend/cuda/candidate_gate.h"

#include <cstring>
#include <thread>

namespace crucible {
namespace {

using namespace std::chrono_literals;

constexpr auto kCallDeadline = 2s;
constexpr auto kHeldReturn = 300ms;  // a call whose launches alone take this long waits for something
constexpr auto kStrayTime = 3ms;     // for work outside the held stream to show: the device shares its time in 2 ms

std::string said(const WorkerOutcome& outcome) {
  return outcome.message.empty() ? "it returned " + std::to_string(outcome.return_code) : outcome.message;
}

/// Captured at one place, replayed there on other contents; then captured at another place, as the next batch size is.
GateOutcome check_graphs(CaseWorker& worker, const PoolCase& pool_case, Choice& choice) {
  GateOutcome gate;
  for (int place = 0; place < 2; ++place) {
    const Slot slot = worker.place(pool_case, choice);
    const auto first = static_cast<std::size_t>(place);
    const Hand captured = draw_hand(pool_case, Symmetry::none, first, choice);
    worker.prepare(pool_case, slot, false);
    worker.write(pool_case, captured, slot);
    WorkerOutcome outcome = worker.worker().perform(CudaOperation::build_graph, 0, kCallDeadline);
    if (outcome.status != WorkerOutcome::Status::done) {
      gate.ending = ending_of(outcome);
      return gate;
    }
    if (!outcome.ok()) {
      gate.undeployable = "a call cannot be captured into a CUDA graph: " + said(outcome);
      return gate;
    }
    for (std::size_t replay = 1; replay <= 2; ++replay) {
      const Hand hand = draw_hand(pool_case, Symmetry::none, first + replay, choice);
      worker.write(pool_case, hand, slot);
      outcome = worker.worker().perform(CudaOperation::launch_graph, 0, kCallDeadline);
      if (gate.ending = ending_of(outcome); gate.ending) return gate;
      if (!outcome.ok()) {
        gate.undeployable = "the graph of a call cannot be launched: " + said(outcome);
        return gate;
      }
      if (const std::string wrong = wrong_in(pool_case, hand, worker.read(slot)); !wrong.empty()) {
        gate.undeployable = "replayed from a CUDA graph on new contents it is wrong: " + wrong;
        return gate;
      }
    }
  }
  return gate;
}

GateOutcome check_stream(RunnerSide& runner, CaseWorker& worker, const PoolCase& pool_case, std::uint64_t hold_word,
                         Choice& choice) {
  GateOutcome gate;
  const Slot slot = worker.place(pool_case, choice);
  const Hand hand = draw_hand(pool_case, Symmetry::none, 0, choice);
  worker.prepare(pool_case, slot, false);
  worker.write(pool_case, hand, slot);
  const CaseBytes before = worker.read(slot);
  WorkerOutcome outcome = runner.call_held(0, hold_word, kHeldReturn);
  if (outcome.status == WorkerOutcome::Status::timed_out) {
    runner.release(hold_word);
    outcome = runner.await_held(kCallDeadline);
    if (gate.ending = ending_of(outcome); gate.ending) return gate;
    gate.undeployable = "a call waits for the device on the host: behind other work in its stream it did not return";
    return gate;
  }
  if (gate.ending = ending_of(outcome); gate.ending) return gate;
  std::this_thread::sleep_for(kStrayTime);
  const CaseBytes meanwhile = worker.read(slot);
  runner.release(hold_word);
  const WorkerOutcome settled = runner.settle(kCallDeadline);
  if (gate.ending = ending_of(settled); gate.ending) return gate;
  if (!outcome.ok() || !settled.ok())
    gate.undeployable = "behind other work in its stream a call fails: " + said(outcome.ok() ? settled : outcome);
  else if (std::memcmp(before.bytes.data(), meanwhile.bytes.data(), before.bytes.size()) != 0)
    gate.undeployable = "a call does not keep to the stream it is given: it wrote while that stream was held back";
  else if (const std::string wrong = wrong_in(pool_case, hand, worker.read(slot)); !wrong.empty())
    gate.undeployable = "behind other work in its stream a call is wrong: " + wrong;
  return gate;
}

}  // namespace

GateOutcome check_deployability(RunnerSide& runner, CaseWorker& worker, const PoolCase& pool_case,
                                std::uint64_t hold_word, Choice& choice) {
  GateOutcome gate = check_graphs(worker, pool_case, choice);
  if (gate.undeployable.empty() && !gate.ending) gate = check_stream(runner, worker, pool_case, hold_word, choice);
  return gate;
}

}  // namespace crucible
