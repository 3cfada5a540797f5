#include "reward/novelty/calibration.h"

#include <algorithm>

namespace crucible::novelty {

double calibrated(View, double similarity) { return std::clamp(similarity, 0.0, 1.0); }

}  // namespace crucible::novelty
