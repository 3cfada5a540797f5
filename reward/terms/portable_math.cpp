#include "reward/terms/portable_math.h"

#include <cmath>

namespace crucible {
namespace {

constexpr double kLn2 = 0x1.62e42fefa39efp-1;
constexpr double kLog2E = 0x1.71547652b82fep+0;
constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;

}  // namespace

double portable_log2(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);  // exact, in [0.5, 1)
  if (mantissa < kSqrtHalf) mantissa *= 2, --exponent;
  // ln m = 2·atanh(t), t = (m − 1)/(m + 1), |t| ≤ 0.1716: fourteen terms reach 1e-22.
  const double t = (mantissa - 1) / (mantissa + 1), square = t * t;
  double series = 0;
  for (int k = 27; k >= 1; k -= 2) series = series * square + 1.0 / k;
  return exponent + 2 * t * series * kLog2E;
}

double portable_exp2(double x) {
  const double whole = std::nearbyint(x);
  const double r = (x - whole) * kLn2;  // |r| ≤ 0.35: seventeen terms of the series reach 1e-22
  double series = 1;
  for (int k = 17; k >= 1; --k) series = 1 + series * r / k;
  return std::ldexp(series, static_cast<int>(whole));
}

double portable_tanh(double x) {
  if (x > 20) return 1;
  if (x < -20) return -1;
  const double square = portable_exp2(2 * x * kLog2E);  // e^2x
  return (square - 1) / (square + 1);
}

}  // namespace crucible
