#pragma once

#include <string>
#include <vector>

#include "env/judge/deal.h"
#include "env/judge/pool.h"

namespace crucible {

/// Why the outputs `seen` (as collect() returns them) of pool entry `entry` are wrong, in one sentence; empty when
/// every element lies in its accepted interval. Memory speed: for chains.
std::string reject_quickly(const PoolCase& pool_case, std::size_t entry, const CallContents& seen);

/// Whether every output of a called slot lies in its accepted intervals, looked at where it lies: no copy, so for the
/// many sets of a chain. True leaves the slot's outputs in the entry's order of columns. False changes nothing and is
/// no verdict yet (an oracle of its own, alternatives): collect() and ask reject_quickly().
bool accepted_in_place(const PoolCase& pool_case, const Hand& hand, const Slot& slot, std::byte* arena);

/// The same with the whole rule, root mean square included: for correctness cases.
std::string reject(const PoolCase& pool_case, std::size_t entry, const CallContents& seen);

/// η of every expected output of an entry, for fixing the bar from baselines. A custom output that its oracle rejects
/// has η = +inf.
std::vector<OutputError> errors_of(const PoolCase& pool_case, std::size_t entry, const CallContents& seen);

/// The bar from the admitted baselines' errors: one vector per baseline and entry, parallel to the entry's `expected`.
/// A baseline with η > 16 anywhere is not admitted. Empty when no baseline is.
std::vector<Tolerance> bar_from(const std::vector<std::vector<OutputError>>& errors);

/// Whether one of the trivial programs (no-op, zeros, ones, a copy of an input, the mean) passes the entry.
bool trivial_program_passes(const PoolCase& pool_case, std::size_t entry);

/// A baseline with a larger error is not admitted: its case is ill-conditioned, or it is sloppy there.
inline constexpr double kAdmittedEta = 16;

}  // namespace crucible
