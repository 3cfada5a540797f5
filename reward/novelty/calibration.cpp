#include "reward/novelty/calibration.h"

#include <algorithm>
#include <span>

namespace crucible::novelty {
namespace {

struct Knot {
  double raw, probability;
};

#include "reward/novelty/calibration_table.inc"

std::span<const Knot> knots_of(View view) {
  switch (view) {
    case View::tokens:
      return k_tokens;
    case View::opcodes:
      return k_opcodes;
    case View::slices:
      return k_slices;
    case View::containment:
      return k_containment;
  }
  return k_slices;
}

}  // namespace

double calibrated(View view, double similarity) {
  const std::span<const Knot> knots = knots_of(view);
  if (similarity <= knots.front().raw) return knots.front().probability;
  for (std::size_t i = 1; i < knots.size(); ++i) {
    if (similarity > knots[i].raw) continue;
    const Knot &low = knots[i - 1], &high = knots[i];
    if (high.raw == low.raw) return high.probability;
    return low.probability + (high.probability - low.probability) * (similarity - low.raw) / (high.raw - low.raw);
  }
  return knots.back().probability;
}

}  // namespace crucible::novelty
