#include "env/backend/cuda/chain_jobs.h"

namespace crucible {

CrucibleJob pattern_job(std::uint32_t kind, std::uint64_t at, std::uint64_t bytes, std::uint64_t pattern,
                        std::uint64_t counter) {
  CrucibleJob job = {};
  job.kind = kind;
  job.dealt.width = bytes;
  job.dealt.rows = 1;
  job.target = at;
  job.pattern = pattern;
  job.counter = counter;
  return job;
}

CrucibleJob rows_job(std::uint32_t kind, const CrucibleDealtRows& rows, std::uint64_t at, std::uint64_t counter) {
  CrucibleJob job = {};
  job.kind = kind;
  job.dealt = rows;
  job.target = at;
  job.target_pitch = rows.width;
  job.counter = counter;
  return job;
}

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

}  // namespace crucible
