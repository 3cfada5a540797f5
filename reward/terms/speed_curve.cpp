#include "reward/terms/speed_curve.h"

#include <algorithm>
#include <limits>

#include "reward/terms/portable_math.h"

namespace crucible {

double SpeedCurve::value(double s) const {
  if (!(s > 0)) return 0;
  s = std::min(s, std::numeric_limits<double>::max());
  const double octaves = portable_log2(s);
  if (octaves <= 0) return slow_share * std::clamp(1 + octaves / slow_octaves, 0.0, 1.0);
  return slow_share + (1 - slow_share) * portable_tanh(octaves / fast_octaves);
}

}  // namespace crucible
