#pragma once

#include <cstdint>
#include <vector>

#include "env/backend/cuda/chain_plan.h"
#include "env/backend/cuda/judge_jobs.h"

namespace crucible {

/// Work on `bytes` bytes at `at` that writes or checks a pattern of 8 bytes; `counter` counts what differs.
CrucibleJob pattern_job(std::uint32_t kind, std::uint64_t at, std::uint64_t bytes, std::uint64_t pattern,
                        std::uint64_t counter = 0);

/// Work that deals, seals or compares rows, which lie adjacent at `at`.
CrucibleJob rows_job(std::uint32_t kind, const CrucibleDealtRows& rows, std::uint64_t at, std::uint64_t counter = 0);

/// One stretch of the live area: between storages, or a storage by what happens to it.
struct Piece {
  enum Kind : std::uint8_t { gap, dealt, written, decoy } kind;
  std::uint64_t begin;
  std::uint64_t end;
};

/// The live area in pieces that begin at multiples of 16, the pattern's phase; a storage's odd tail belongs to none.
std::vector<Piece> pieces(const CallLayout& layout, const ChainPlan& plan);

}  // namespace crucible
