#include "env/backend/cuda/chain_side.h"

#include <algorithm>
#include <cstring>

#include "env/backend/cuda/chain_jobs.h"
#include "env/judge/deal.h"
#include "sandbox/launcher/wire.h"

namespace crucible {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t kChain = 1;
constexpr milliseconds kRunDeadline{10000};
constexpr std::size_t kExchangeBytes = 600ull << 20;  // sparse: a record carries up to 256 MiB of workspace

}  // namespace

ChainSide::ChainSide(JudgeDevice& device, const DevicePool& pool, const std::optional<RowOracle>& oracle,
                     const ChainPlan& plan, const std::string& launcher)
    : device_(device), pool_(pool), oracle_(oracle), plan_(plan) {
  live_ = DeviceMemory::allocate(device_.context(), plan_.live_bytes, true);
  sealed_ = DeviceMemory::allocate(device_.context(), plan_.sealed_bytes, true);
  collected_ = DeviceMemory::allocate(device_.context(), plan_.collected_bytes, true);
  if (pool_.fresh_bytes() != 0)
    fresh_ = DeviceMemory::allocate(device_.context(), pool_.fresh_bytes() * plan_.steps, false);
  WorkerControl control = WorkerControl::create(plan_.slots.size(), kExchangeBytes);
  control.exchange().device = device_.ordinal();
  const FileDescriptor areas[3] = {live_.descriptor(), sealed_.descriptor(), collected_.descriptor()};
  control.exchange().area_bytes[0] = live_.size();
  control.exchange().area_bytes[1] = sealed_.size();
  control.exchange().area_bytes[2] = collected_.size();
  auto process = spawn_worker(launcher, {"3", "4", "5", "6"},
                              {control.descriptor(), areas[0].get(), areas[1].get(), areas[2].get()});
  worker_ = std::make_unique<CudaWorker>(std::move(process), std::move(control));
  next_entry_ = static_cast<std::size_t>(unguessable() % pool_.entries());
}

std::uint64_t ChainSide::live(std::uint32_t slot, std::size_t storage) const {
  return live_.address() + plan_.slots[slot][storage];
}

std::string ChainSide::open(const ChainSubject& subject, milliseconds deadline) {
  subject_ = subject;
  const auto refused = [](const WorkerOutcome& outcome) -> std::string {
    if (outcome.ok()) return {};
    if (outcome.status == WorkerOutcome::Status::timed_out) return "the launcher did not answer in time";
    return outcome.message.empty() ? "the launcher failed" : outcome.message;
  };
  if (std::string why = refused(worker_->wait_ready(deadline)); !why.empty()) return why;
  if (subject_.kernel == ChainKernel::candidate) {
    WireWriter request;
    request.values(subject_.cubin);
    request.values(subject_.record);
    if (std::string why =
            refused(worker_->ask(subject_.declared ? CudaOperation::load_declared : CudaOperation::load_candidate,
                                 request.take(), 0, deadline));
        !why.empty())
      return why;
    const std::vector<std::byte> told = worker_->control().take_reply();
    resources_.assign(reinterpret_cast<const char*>(told.data()), std::min<std::size_t>(told.size(), 4096));
  } else if (subject_.kernel == ChainKernel::plugin) {
    for (std::size_t slot = 0; slot < plan_.slots.size(); ++slot) {
      Slot place;
      place.storages.assign(plan_.slots[slot].begin(), plan_.slots[slot].end());
      worker_->control().calls()[slot] = prepare_call(pool_.layout(), place, false);
    }
    WireWriter request;
    request.text(subject_.plugin);
    request.text(subject_.entry_point);
    if (std::string why = refused(worker_->ask(CudaOperation::load_plugin, request.take(), 0, deadline)); !why.empty())
      return why;
    // A library makes its handles and picks its kernels in the first, eager, call.
    deal();
    device_.wait();
    if (std::string why = refused(worker_->perform(CudaOperation::warm_plugin, plan_.order[0], deadline)); !why.empty())
      return why;
  }
  deals_ = deals_of(pool_.layout(), plan_, unguessable);
  return build();
}

std::vector<std::byte> ChainSide::chain_request() const {
  ChainRequest request;
  request.number = kChain;
  request.kernel = subject_.kernel;
  request.light = plan_.light;
  request.deal_grid = plan_.deal_grid;
  request.touched_bytes = plan_.light ? 0 : plan_.sealed_step * plan_.steps;
  request.arguments = static_cast<std::uint32_t>(pool_.layout().arguments.size());
  request.tensors = tensors_of(pool_.layout(), plan_);
  request.calls = plan_.order;
  request.deals = deals_;
  return encode(request);
}

std::string ChainSide::build() {
  const WorkerOutcome outcome = worker_->ask(CudaOperation::build_chain, chain_request(), 0, kRunDeadline);
  built_ = outcome.ok();
  if (outcome.ok()) return {};
  return outcome.message.empty() ? "the launcher failed while it built the chain" : outcome.message;
}

void ChainSide::deal() {
  const CallLayout& layout = pool_.layout();
  hands_.clear();
  for (std::size_t i = 0; i < plan_.steps; ++i) {
    hands_.push_back(pool_.draw(next_entry_ + i, unguessable));
    if (pool_.fresh_bytes() != 0) hands_[i].fresh = fresh_.address() + i * pool_.fresh_bytes();
  }
  next_entry_ += plan_.steps;
  std::vector<CrucibleJob> refresh;
  for (const DeviceHand& hand : hands_)
    for (const CrucibleJob& job : pool_.refresh(hand, unguessable)) refresh.push_back(job);
  if (!refresh.empty()) device_.run(refresh);
  pattern_ = unguessable() | 0x7f807f807f807f80ull;
  // Red zones, outputs and all of the decoys; what is dealt needs no poison beneath it.
  std::vector<CrucibleJob> fill;
  for (const Piece& piece : pieces(pool_.layout(), plan_))
    if (piece.kind != Piece::dealt)
      fill.push_back(pattern_job(CRUCIBLE_JOB_FILL, live_.address() + piece.begin, piece.end - piece.begin, pattern_));
  if (!plan_.light)
    fill.push_back(pattern_job(CRUCIBLE_JOB_FILL, collected_.address(), plan_.collected_bytes, unguessable()));
  device_.run(fill);
  if (!plan_.light && subject_.kernel != ChainKernel::plugin) return;
  std::vector<CrucibleJob> jobs;
  for (std::size_t i = 0; i < (plan_.light ? plan_.steps : 1); ++i)
    for (std::size_t s = 0; s < layout.storages.size(); ++s) {
      if (layout.storages[s].bytes == 0) continue;
      bool read = false;
      for (const Argument& a : layout.arguments)
        read = read || (a.kind == Argument::Kind::tensor && a.tensor.storage == s && a.tensor.access != Access::output);
      if (read) jobs.push_back(rows_job(CRUCIBLE_JOB_DEAL, pool_.dealt(s, hands_[i]), live(plan_.order[i], s)));
    }
  device_.run(jobs);
}

void ChainSide::seal() {
  const CallLayout& layout = pool_.layout();
  if (plan_.light) {
    std::vector<CrucibleRowJob> jobs;
    for (std::size_t i = 0; i < plan_.steps; ++i)
      for (std::uint32_t r = 0; r < plan_.dealt_rows.size(); ++r) {
        const RowGeometry& g = plan_.dealt_rows[r];
        const bool wide = size_of(layout.arguments[g.argument].tensor.dtype) == 4;
        // What stands in the secret's place is plausible and wrong: ±48 in T.
        const std::uint32_t plus = wide ? 0x42400000u : 0x42404240u, minus = wide ? 0xC2400000u : 0xC240C240u;
        jobs.push_back({live(plan_.order[i], g.storage) + g.offset,
                        g.pitch,
                        g.width,
                        sealed_.address() + plan_.sealed_step * i + plan_.sealed_region[r],
                        deals_[i].key,
                        0,
                        g.rows,
                        r,
                        {plus, minus, minus, plus},
                        0,
                        0});
      }
    device_.run(jobs);
    return;
  }
  std::vector<CrucibleJob> jobs;
  for (std::size_t i = 0; i < plan_.steps; ++i)
    for (std::uint32_t r = 0; r < plan_.dealt_storages.size(); ++r) {
      CrucibleJob job = rows_job(CRUCIBLE_JOB_SEAL, pool_.dealt(plan_.dealt_storages[r], hands_[i]),
                                 sealed_.address() + plan_.sealed_step * i + plan_.sealed_region[r]);
      job.key = deals_[i].key;
      job.region = r;
      jobs.push_back(job);
    }
  device_.run(jobs);
}

ChainSample ChainSide::run(bool events) {
  ChainSample sample;
  const auto failed = [&](const WorkerOutcome& outcome) {
    if (outcome.ok()) return false;
    built_ = false;
    sample.failure = outcome.status == WorkerOutcome::Status::timed_out ? "the chain did not end in time"
                     : outcome.message.empty()                          ? "the launcher failed"
                                                                        : outcome.message;
    return true;
  };
  // The first kernel after another context ran costs a switch: it is paid before the clock starts.
  if (failed(worker_->wake(kRunDeadline)) || failed(worker_->perform(CudaOperation::prime, 0, kRunDeadline)))
    return sample;
  const CudaWorker::Timed timed = worker_->timed(CudaOperation::run_chain, kChain, kRunDeadline);
  worker_->sleep();
  if (failed(timed.outcome)) return sample;
  sample.time = timed.time;
  if (events && !failed(worker_->perform(CudaOperation::elapsed, 0, kRunDeadline))) {
    const std::vector<std::byte> reply = worker_->control().take_reply();
    if (reply.size() == sizeof sample.event_ns) std::memcpy(&sample.event_ns, reply.data(), reply.size());
  }
  return sample;
}

void ChainSide::begin() {
  if (!built_) return;
  if (plan_.light && subject_.kernel == ChainKernel::candidate) {
    // Which set comes next must be as new as what it holds: device code keeps state from chain to chain.
    shuffle(plan_, unguessable);
    deals_ = deals_of(pool_.layout(), plan_, unguessable);
    worker_->start(CudaOperation::build_chain, chain_request(), 0);
  } else {
    deals_ = deals_of(pool_.layout(), plan_, unguessable);
    WireWriter request;
    request.values(deals_);
    worker_->start(CudaOperation::rekey_chain, request.take(), kChain);
  }
  deal();
  seal();
}

std::string ChainSide::ready() {
  if (!built_) return "the chain was not built";
  const WorkerOutcome outcome = worker_->finish(kRunDeadline);
  device_.wait();
  if (outcome.ok()) return {};
  built_ = false;
  return outcome.message.empty() ? "the launcher failed" : outcome.message;
}

ChainSample ChainSide::sample(double max_eta, bool check, bool events) {
  ChainSample sample;
  begin();
  if (sample.failure = ready(); !sample.failure.empty()) return sample;
  sample = run(events);
  if (check && sample.failure.empty()) verify(sample, max_eta);
  return sample;
}

}  // namespace crucible
