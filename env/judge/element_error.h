#pragma once

#include <cmath>
#include <limits>

#include "env/reference/reference.h"
#include "env/task/element.h"

namespace crucible {

/// η of single elements of one output; the one place that knows CONTRACTS.md's tolerance.
class ElementError {
 public:
  ElementError(const ExpectedOutput& expected, DType dtype)
      : expected_(expected), dtype_(dtype), format_(float_format(dtype)) {}

  /// What η is measured in at `index`: u_T·max(|ref|, smallest normal) + 2⁻²⁴·A + extra.
  double unit(std::size_t index) const {
    return format_.unit_roundoff * std::fmax(std::fabs(reference(index)), format_.smallest_normal) +
           0x1p-24 * expected_.magnitude[index] + (expected_.extra.empty() ? 0.0 : expected_.extra[index]);
  }

  /// The oracle's value; f8e4m3 saturates, so that its largest number stands for everything beyond it.
  double reference(std::size_t index) const {
    const double value = expected_.value[index];
    if (dtype_ != DType::f8e4m3 || std::isnan(value)) return value;
    return std::fmin(std::fmax(value, -format_.max_finite), format_.max_finite);
  }

  /// M·φ: what a flushed exp may cost.
  double flushed(std::size_t index) const {
    return expected_.flush.empty() ? 0.0 : expected_.flush[index] * format_.flush;
  }

  bool pinned(std::size_t index) const { return !expected_.pinned.empty() && expected_.pinned[index] != 0; }

  /// +inf when the classes (NaN, +Inf, −Inf, finite after rounding) disagree. At the overflow edge Inf counts as the
  /// number that would come after the largest, so that it passes exactly where its neighbour could.
  double eta(std::size_t index, double out) const {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    const double reference = this->reference(index);
    if (std::isnan(reference)) return std::isnan(out) ? 0 : kInf;
    if (std::isinf(reference)) return out == reference ? 0 : kInf;
    if (pinned(index)) return out == reference && std::signbit(out) == std::signbit(reference) ? 0 : kInf;
    if (std::isnan(out)) return kInf;
    if (std::isinf(out)) {
      if (std::signbit(out) != std::signbit(reference) || std::fabs(reference) <= format_.max_finite / 2) return kInf;
      if (std::isinf(round_to(dtype_, reference))) return 0;
      out = std::copysign(format_.overflow, out);
    }
    return finite_eta(out, reference, flushed(index), unit(index));
  }

  /// η of a finite result of a finite reference.
  static double finite_eta(double out, double reference, double flushed, double unit) {
    const double error = std::fabs(out - reference) - flushed;
    return error <= 0 ? 0 : error / unit;
  }

 private:
  const ExpectedOutput& expected_;
  DType dtype_;
  const FloatFormat& format_;
};

}  // namespace crucible
