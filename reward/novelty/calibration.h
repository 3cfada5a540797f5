#pragma once

namespace crucible::novelty {

/// The views that are calibrated.
enum class View { tokens, opcodes, slices, containment };

/// P(same optimization) given a view's raw similarity: monotone, linear between the table's knots.
double calibrated(View view, double similarity);

}  // namespace crucible::novelty
