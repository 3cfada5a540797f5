#pragma once

#include <memory>

#include "env/judge/pool.h"

namespace crucible {

/// Contents that no call has seen before, made from entry `entry` of a case: in every part that the task's symmetry
/// moves, a few elements take the value of another element of the same part. Returns a case of its own with that one
/// entry, its reference computed anew; null when the task's symmetry moves no floating-point tensor.
///
/// Why: dealt under a symmetry, entries come back with their parts unchanged, and a kernel that knew parts again by a
/// few of their words could answer from memory. It cannot know which element of which part differs this time.
/// Its bar has no root mean square where that is no property of the distribution (rms_is_steady).
std::unique_ptr<PoolCase> freshen(const PoolCase& pool_case, std::size_t entry, Choice& choice);

/// Whether a bar's root mean square holds for other contents of the family too. Rounding gives .43 where every element
/// is rounded; a much lower one stems from few elements (the rest is zero, or exact), and then it is chance.
bool rms_is_steady(const std::vector<Tolerance>& tolerance);

}  // namespace crucible
