#include "reward/terms/speed_curve.h"

#include <algorithm>
#include <cmath>

namespace crucible {

double SpeedCurve::value(double s) const {
  if (!(s > 0)) return 0;
  const double octaves = std::log2(s);
  if (octaves <= 0) return slow_share * std::clamp(1 + octaves / slow_octaves, 0.0, 1.0);
  return slow_share + (1 - slow_share) * std::tanh(octaves / fast_octaves);
}

}  // namespace crucible
