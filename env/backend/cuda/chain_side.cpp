#include "env/backend/cuda/chain_side.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "env/judge/deal.h"
#include "sandbox/launcher/wire.h"

namespace crucible {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t kChain = 1;
constexpr milliseconds kRunDeadline{10000};
constexpr std::size_t kExchangeBytes = 600ull << 20;  // sparse: a record carries up to 256 MiB of workspace

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

CrucibleJob pattern_job(std::uint32_t kind, std::uint64_t at, std::uint64_t bytes, std::uint64_t pattern,
                        CUdeviceptr counter = 0) {
  CrucibleJob job = {};
  job.kind = kind;
  job.dealt.width = bytes;
  job.dealt.rows = 1;
  job.target = at;
  job.pattern = pattern;
  job.counter = counter;
  return job;
}

CrucibleJob rows_job(std::uint32_t kind, const CrucibleDealtRows& rows, std::uint64_t at, CUdeviceptr counter = 0) {
  CrucibleJob job = {};
  job.kind = kind;
  job.dealt = rows;
  job.target = at;
  job.target_pitch = rows.width;
  job.counter = counter;
  return job;
}

/// One stretch of the live area: between storages, or a storage by what happens to it.
struct Piece {
  enum Kind : std::uint8_t { gap, dealt, written, decoy } kind;
  std::uint64_t begin;
  std::uint64_t end;
};

/// The live area in pieces that begin at multiples of 16, the pattern's phase; a storage's odd tail belongs to none.
std::vector<Piece> pieces(const CallLayout& layout, const ChainPlan& plan) {
  std::vector<bool> is_decoy(plan.slots.size(), false), read(layout.storages.size(), false);
  for (const std::uint32_t slot : plan.decoys) is_decoy[slot] = true;
  for (const Argument& a : layout.arguments)
    if (a.kind == Argument::Kind::tensor && a.tensor.access != Access::output) read[a.tensor.storage] = true;
  std::vector<Piece> all;
  std::uint64_t at = 0;
  for (std::size_t slot = 0; slot < plan.slots.size(); ++slot)
    for (std::size_t s = 0; s < layout.storages.size(); ++s) {
      const std::uint64_t begin = plan.slots[slot][s], end = begin + layout.storages[s].bytes;
      all.push_back({Piece::gap, at, begin});
      all.push_back({is_decoy[slot] ? Piece::decoy : read[s] ? Piece::dealt : Piece::written, begin, end});
      at = (end + 15) / 16 * 16;
    }
  all.push_back({Piece::gap, at, plan.live_bytes});
  return all;
}

}  // namespace

ChainSide::ChainSide(JudgeDevice& device, const DevicePool& pool, const std::optional<RowOracle>& oracle,
                     const ChainPlan& plan, const std::string& launcher)
    : device_(device), pool_(pool), oracle_(oracle), plan_(plan) {
  live_ = DeviceMemory::allocate(device_.context(), plan_.live_bytes, true);
  sealed_ = DeviceMemory::allocate(device_.context(), plan_.sealed_bytes, true);
  collected_ = DeviceMemory::allocate(device_.context(), plan_.collected_bytes, true);
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
    if (std::string why = refused(worker_->ask(CudaOperation::load_candidate, request.take(), 0, deadline));
        !why.empty())
      return why;
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

std::string ChainSide::build() {
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
  const WorkerOutcome outcome = worker_->ask(CudaOperation::build_chain, encode(request), 0, kRunDeadline);
  built_ = outcome.ok();
  if (outcome.ok()) return {};
  return outcome.message.empty() ? "the launcher failed while it built the chain" : outcome.message;
}

void ChainSide::deal() {
  const CallLayout& layout = pool_.layout();
  hands_.clear();
  for (std::size_t i = 0; i < plan_.steps; ++i) hands_.push_back(pool_.draw(next_entry_ + i, unguessable));
  next_entry_ += plan_.steps;
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

ChainSample ChainSide::sample(double max_eta, bool check, bool events) {
  ChainSample failed;
  if (!built_) {
    failed.failure = "the chain was not built";
    return failed;
  }
  if (plan_.light && subject_.kernel == ChainKernel::candidate) {
    // Which set comes next must be as new as what it holds: device code keeps state from chain to chain.
    shuffle(plan_, unguessable);
    deals_ = deals_of(pool_.layout(), plan_, unguessable);
    if (failed.failure = build(); !failed.failure.empty()) return failed;
  } else {
    deals_ = deals_of(pool_.layout(), plan_, unguessable);
    WireWriter request;
    request.values(deals_);
    const WorkerOutcome outcome = worker_->ask(CudaOperation::rekey_chain, request.take(), kChain, kRunDeadline);
    if (!outcome.ok()) {
      failed.failure = outcome.message.empty() ? "the launcher failed" : outcome.message;
      return failed;
    }
  }
  deal();
  seal();
  device_.wait();
  ChainSample sample = run(events);
  if (check && sample.failure.empty()) verify(sample, max_eta);
  return sample;
}

void ChainSide::verify(ChainSample& sample, double max_eta) {
  // Memory that no call may write: gaps between storages everywhere, and all of the decoys.
  const CallLayout& layout = pool_.layout();
  std::vector<CrucibleJob> jobs;
  const CUdeviceptr counters = device_.counters(4);
  for (const Piece& piece : pieces(layout, plan_))
    if (piece.kind == Piece::gap || piece.kind == Piece::decoy)
      jobs.push_back(pattern_job(CRUCIBLE_JOB_VERIFY, live_.address() + piece.begin, piece.end - piece.begin, pattern_,
                                 piece.kind == Piece::gap ? counters : counters + 8));
  device_.run(jobs);
  // Light: inputs lie where they were dealt and must be as dealt.
  if (plan_.light) {
    std::vector<CrucibleJob> inputs;
    for (std::size_t i = 0; i < plan_.steps; ++i)
      for (std::size_t s = 0; s < layout.storages.size(); ++s) {
        bool only_read = layout.storages[s].bytes != 0;
        for (const Argument& a : layout.arguments)
          if (a.kind == Argument::Kind::tensor && a.tensor.storage == s && a.tensor.access != Access::input)
            only_read = false;
        if (only_read)
          inputs.push_back(
              rows_job(CRUCIBLE_JOB_COMPARE, pool_.dealt(s, hands_[i]), live(plan_.order[i], s), counters + 16));
      }
    if (!inputs.empty()) device_.run(inputs);
    std::vector<CrucibleRowJob> samples;
    for (std::size_t i = 0; i < plan_.steps; ++i)
      for (std::uint32_t r = 0; r < plan_.collected_rows.size(); ++r) {
        const RowGeometry& g = plan_.collected_rows[r];
        samples.push_back({live(plan_.order[i], g.storage) + g.offset,
                           g.pitch,
                           g.width,
                           collected_.address() + plan_.collected_step * i + plan_.collected_region[r],
                           deals_[i].key,
                           counters + 24,
                           g.rows,
                           r,
                           {},
                           1,
                           0});
      }
    device_.run(samples);
  }
  const std::vector<std::uint64_t> counts = device_.read_counters(counters, 4);
  if (counts[1] != 0)
    sample.tampered = std::to_string(counts[1]) + " words of sets that no call was given were written";
  if (counts[0] != 0) sample.wrong = std::to_string(counts[0]) + " words outside the tensors were written";
  if (counts[2] != 0) sample.wrong = "an input was modified";
  if (counts[3] != 0)
    sample.wrong = std::to_string(counts[3]) + " rows of output were not final when the next call began";
  if (sample.wrong.empty()) verify_outputs(sample, max_eta);
}

void ChainSide::verify_outputs(ChainSample& sample, double max_eta) {
  if (!oracle_) return;
  const RowOracle& o = *oracle_;
  const std::size_t per_job = o.residual.rows != 0 ? 2 : 1;
  constexpr std::size_t kWords = sizeof(CrucibleOracleVerdict) / 8;
  const std::size_t words = plan_.steps * per_job * kWords;
  const CUdeviceptr verdicts = device_.counters(words);
  const auto place = [&](std::size_t step, const RowGeometry& g) -> std::uint64_t {
    if (plan_.light) return live(plan_.order[step], g.storage) + g.offset;
    for (std::size_t r = 0; r < plan_.collected_storages.size(); ++r)
      if (plan_.collected_storages[r] == g.storage)
        return collected_.address() + plan_.collected_step * step + plan_.collected_region[r] + g.offset;
    return 0;
  };
  std::vector<CrucibleOracleJob> jobs;
  for (std::size_t i = 0; i < plan_.steps; ++i) {
    CrucibleOracleJob job = {};
    const auto vector_at = [&](std::size_t argument) {
      const TensorLayout& t = pool_.layout().arguments[argument].tensor;
      return pool_.storage(hands_[i].entry, t.storage) + t.byte_offset;
    };
    job.input = pool_.dealt_rows(o.input, hands_[i]);
    if (o.residual.rows != 0) {
      job.residual = pool_.dealt_rows(o.residual, hands_[i]);
      job.residual_output = place(i, o.residual);
      job.residual_pitch = o.residual.pitch;
    }
    job.weight = o.weight ? vector_at(*o.weight) : 0;
    job.bias = o.bias ? vector_at(*o.bias) : 0;
    job.output = place(i, o.output);
    job.output_pitch = o.output.pitch;
    job.verdict = verdicts + i * per_job * sizeof(CrucibleOracleVerdict);
    job.epsilon = o.epsilon;
    job.max_eta = max_eta;
    job.operation = o.operation;
    job.element = o.element;
    job.columns = o.columns;
    jobs.push_back(job);
  }
  device_.run(jobs);
  const std::vector<std::uint64_t> read = device_.read_counters(verdicts, words);
  for (std::size_t i = 0; i < plan_.steps * per_job; ++i) {
    CrucibleOracleVerdict verdict;
    std::memcpy(&verdict, &read[i * kWords], sizeof verdict);
    const double eta = std::bit_cast<double>(verdict.largest_eta);
    sample.largest_eta = std::max(sample.largest_eta, eta);
    if (verdict.rejected != 0 && sample.wrong.empty())
      sample.wrong = "call " + std::to_string(i / per_job + 1) + " of the chain: " + std::to_string(verdict.rejected) +
                     " elements are wrong, the first at " + std::to_string(~verdict.first_rejected) + ", the worst " +
                     number(eta) + " units off";
  }
}

}  // namespace crucible
