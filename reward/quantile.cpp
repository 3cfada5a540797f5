#include "reward/quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace crucible {
namespace {

/// log Γ(x), x > 0, by Lanczos' series (g = 7, 9 terms). std::lgamma writes the global signgam: not thread-safe.
double log_gamma(double x) {
  static constexpr double kSeries[] = {0.99999999999980993,  676.5203681218851,     -1259.1392167224028,
                                       771.32342877765313,   -176.61502916214059,   12.507343278686905,
                                       -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7};
  if (x < 0.5) return std::log(std::numbers::pi / std::sin(std::numbers::pi * x)) - log_gamma(1 - x);
  x -= 1;
  double sum = kSeries[0];
  for (int i = 1; i < 9; ++i) sum += kSeries[i] / (x + i);
  const double t = x + 7.5;
  return 0.5 * std::log(2 * std::numbers::pi) + (x + 0.5) * std::log(t) - t + std::log(sum);
}

/// The continued fraction of the incomplete beta function, by Lentz' algorithm; converges fast for x < (a+1)/(a+b+2).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), h = d;
  for (int m = 1; m <= 500; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    h *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    const double step = d * c;
    h *= step;
    if (std::abs(step - 1) < 1e-15) break;
  }
  return h;
}

/// Regularised incomplete beta I_x(a, b); `y` = 1 − x is passed because it may be known more precisely than 1 − x.
double regularised_beta(double a, double b, double x, double y) {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  const double front = std::exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * std::log(x) + b * std::log(y));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, y) / b;
}

}  // namespace

double student_upper_tail(double t, double degrees) {
  const double square = t * t;
  const double both = regularised_beta(degrees / 2, 0.5, degrees / (degrees + square), square / (degrees + square));
  return t >= 0 ? both / 2 : 1 - both / 2;
}

double student_two_sided(double alpha, double degrees) {
  // Beyond a million degrees the t distribution is the normal one to nine digits, and log_gamma loses digits.
  degrees = std::min(degrees, 1e6);
  double low = 0, high = 1;
  while (2 * student_upper_tail(high, degrees) > alpha) low = high, high *= 2;
  double t = (low + high) / 2;
  // Newton's steps on log tail, kept inside the bracket: the tail is a power of t for few degrees, nearly linear here.
  for (int i = 0; i < 100 && high - low > 1e-14 * high; ++i) {
    const double tail = 2 * student_upper_tail(t, degrees);
    (tail > alpha ? low : high) = t;
    const double log_density = log_gamma((degrees + 1) / 2) - log_gamma(degrees / 2) -
                               0.5 * std::log(degrees * std::numbers::pi) -
                               (degrees + 1) / 2 * std::log1p(t * t / degrees);
    const double next = t + std::log(tail / alpha) * tail / (2 * std::exp(log_density));
    if (std::abs(next - t) < 1e-12 * t) return next;
    t = next > low && next < high ? next : (low + high) / 2;
  }
  return t;
}

double fisher_upper_tail(double f, double numerator, double denominator) {
  if (f <= 0) return 1;
  const double sum = denominator + numerator * f;
  return regularised_beta(denominator / 2, numerator / 2, denominator / sum, numerator * f / sum);
}

}  // namespace crucible
