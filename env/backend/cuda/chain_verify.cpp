// What a chain left behind: stray writes, samples, and every output against fp64 truth.

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

#include "env/backend/cuda/chain_jobs.h"
#include "env/backend/cuda/chain_side.h"

namespace crucible {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace

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

std::uint64_t ChainSide::output_place(std::size_t step, std::size_t storage) const {
  if (plan_.light) return live(plan_.order[step], storage);
  for (std::size_t r = 0; r < plan_.collected_storages.size(); ++r)
    if (plan_.collected_storages[r] == storage)
      return collected_.address() + plan_.collected_step * step + plan_.collected_region[r];
  return 0;
}

void ChainSide::read_verdicts(ChainSample& sample, CUdeviceptr verdicts, std::size_t per_step) {
  constexpr std::size_t kWords = sizeof(CrucibleOracleVerdict) / 8;
  const std::vector<std::uint64_t> read = device_.read_counters(verdicts, plan_.steps * per_step * kWords);
  for (std::size_t i = 0; i < plan_.steps * per_step; ++i) {
    CrucibleOracleVerdict verdict;
    std::memcpy(&verdict, &read[i * kWords], sizeof verdict);
    const double eta = std::bit_cast<double>(verdict.largest_eta);
    sample.largest_eta = std::max(sample.largest_eta, eta);
    if (verdict.rejected != 0 && sample.wrong.empty())
      sample.wrong = "call " + std::to_string(i / per_step + 1) + " of the chain: " + std::to_string(verdict.rejected) +
                     " elements are wrong, the first at " + std::to_string(~verdict.first_rejected) + ", the worst " +
                     number(eta) + " units off";
  }
}

void ChainSide::verify_by_task(ChainSample& sample, double max_eta) {
  const std::vector<Argument>& arguments = pool_.layout().arguments;
  const CUdeviceptr verdicts =
      device_.counters(plan_.steps * CRUCIBLE_ORACLE_OUTPUTS * sizeof(CrucibleOracleVerdict) / 8);
  std::vector<CrucibleTaskJob> jobs;
  for (std::size_t i = 0; i < plan_.steps; ++i) {
    std::vector<OraclePlace> before(arguments.size()), after(arguments.size());
    for (std::size_t a = 0; a < arguments.size(); ++a) {
      if (arguments[a].kind != Argument::Kind::tensor || arguments[a].tensor.element_count() == 0) continue;
      const TensorLayout& tensor = arguments[a].tensor;
      if (tensor.access != Access::output) before[a] = pool_.place(a, hands_[i]);
      if (tensor.access != Access::input) after[a].base = output_place(i, tensor.storage) + tensor.byte_offset;
    }
    jobs.push_back(task_oracle_->job(before, after));
    jobs.back().row_first = static_cast<std::uint32_t>(unguessable() % jobs.back().row_step);
    jobs.back().max_eta = max_eta;
    jobs.back().verdict = verdicts + i * CRUCIBLE_ORACLE_OUTPUTS * sizeof(CrucibleOracleVerdict);
  }
  device_.run(jobs);
  read_verdicts(sample, verdicts, CRUCIBLE_ORACLE_OUTPUTS);
}

void ChainSide::verify_outputs(ChainSample& sample, double max_eta) {
  if (!oracle_) {
    if (task_oracle_ != nullptr) verify_by_task(sample, max_eta);
    return;
  }
  const RowOracle& o = *oracle_;
  const std::size_t per_job = o.residual.rows != 0 ? 2 : 1;
  constexpr std::size_t kWords = sizeof(CrucibleOracleVerdict) / 8;
  const std::size_t words = plan_.steps * per_job * kWords;
  const CUdeviceptr verdicts = device_.counters(words);
  const auto place = [&](std::size_t step, const RowGeometry& g) { return output_place(step, g.storage) + g.offset; };
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
  read_verdicts(sample, verdicts, per_job);
}

}  // namespace crucible
