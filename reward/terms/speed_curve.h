#pragma once

namespace crucible {

/// The bounded, monotone curve of DESIGN.md, "The default reward": with x = log2 s,
///   V = slow_share · clamp(1 + x/slow_octaves, 0, 1)                    for x ≤ 0
///   V = slow_share + (1 − slow_share) · tanh(x / fast_octaves)          above
/// and R = base + weight · V. The defaults are the design's numbers.
struct SpeedCurve {
  double base = 0.30;
  double weight = 0.70;
  double slow_share = 0.2;
  double slow_octaves = 3;
  double fast_octaves = 1.5;

  /// V of a speedup s ≥ 0, in [0, 1]; continuous and never falling.
  double value(double s) const;
  /// R of a correct kernel with speedup s.
  double reward(double s) const { return base + weight * value(s); }
};

}  // namespace crucible
