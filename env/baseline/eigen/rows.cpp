// Eigen's namespace is renamed per instruction set: its templates are built several times into one library, and must
// not be merged by the linker.
#define CRUCIBLE_CONCATENATE_(a, b) a##b
#define CRUCIBLE_CONCATENATE(a, b) CRUCIBLE_CONCATENATE_(a, b)
#define Eigen CRUCIBLE_CONCATENATE(Eigen_, CRUCIBLE_ISA)
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>
#include <cmath>
#include <limits>

#include "env/baseline/eigen/kernels.h"
#include "env/baseline/tensor.h"

/// Row-wise operators as Eigen array expressions, one row at a time, rows spread over the threads. f32 only: Eigen's
/// bfloat16 arithmetic rounds after every operation.
namespace crucible::baseline::CRUCIBLE_ISA {
namespace {

using Row = Eigen::Map<Eigen::ArrayXf>;
using ConstRow = Eigen::Map<const Eigen::ArrayXf>;

constexpr std::int64_t kParallelElements = 64 * 1024;
constexpr std::int64_t kBlock = 512;  ///< terms of one Eigen reduction (which keeps several running sums)

template <class Visit>
void for_each_row(std::int64_t rows, std::int64_t length, const Visit& visit) {
#pragma omp parallel for schedule(static) if (rows > 1 && rows * length >= kParallelElements)
  for (std::int64_t row = 0; row < rows; ++row) visit(row);
}

/// Sum over a row by blocks; `term(segment start, segment length)` returns a block's sum.
template <class Term>
double blocked_sum(std::int64_t length, const Term& term) {
  double sum = 0;
  for (std::int64_t i = 0; i < length; i += kBlock) sum += (double)term(i, length - i < kBlock ? length - i : kBlock);
  return sum;
}

double sum_of_squares(const ConstRow& x) {
  return blocked_sum(x.size(), [&](std::int64_t i, std::int64_t n) { return x.segment(i, n).square().sum(); });
}

}  // namespace

int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon) {
  if (!is_f32(out)) return kNotServed;
  const Rows<float> to(out);
  const Rows<const float> from(input);
  if (to.empty()) return 0;
  const ConstRow w(first<const float>(weight), to.length);
  for_each_row(to.count, to.length, [&](std::int64_t r) {
    const ConstRow x(from.row(r), to.length);
    const float factor = (float)(1.0 / std::sqrt(sum_of_squares(x) / (double)to.length + epsilon));
    Row(to.row(r), to.length) = x * (factor * w);
  });
  return 0;
}

int fused_add_rms_norm(DLTensor* input, DLTensor* residual, const DLTensor* weight, double epsilon) {
  if (!is_f32(input)) return kNotServed;
  const Rows<float> inputs(input), residuals(residual);
  if (inputs.empty()) return 0;
  const std::int64_t length = inputs.length;
  const ConstRow w(first<const float>(weight), length);
  for_each_row(inputs.count, length, [&](std::int64_t r) {
    Row x(inputs.row(r), length), sum(residuals.row(r), length);
    sum += x;
    const ConstRow stored(sum.data(), length);
    const float factor = (float)(1.0 / std::sqrt(sum_of_squares(stored) / (double)length + epsilon));
    x = stored * (factor * w);
  });
  return 0;
}

int layer_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, const DLTensor* bias, double epsilon) {
  if (!is_f32(out)) return kNotServed;
  const Rows<float> to(out);
  const Rows<const float> from(input);
  if (to.empty()) return 0;
  const std::int64_t length = to.length;
  const ConstRow w(first<const float>(weight), length);
  const float* b = bias == nullptr ? nullptr : first<const float>(bias);
  for_each_row(to.count, length, [&](std::int64_t r) {
    const ConstRow x(from.row(r), length);
    // In double: rows whose mean is nearly zero need it.
    const float mean = (float)x.cast<double>().mean();
    const double squares =
        blocked_sum(length, [&](std::int64_t i, std::int64_t n) { return (x.segment(i, n) - mean).square().sum(); });
    const float factor = (float)(1.0 / std::sqrt(squares / (double)length + epsilon));
    if (b == nullptr)
      Row(to.row(r), length) = (x - mean) * factor * w;
    else
      Row(to.row(r), length) = (x - mean) * factor * w + ConstRow(b, length);
  });
  return 0;
}

int silu_and_mul(DLTensor* out, const DLTensor* input) {
  if (!is_f32(out)) return kNotServed;
  const Rows<float> to(out);
  const Rows<const float> from(input);
  if (to.empty()) return 0;
  const std::int64_t length = to.length;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for_each_row(to.count, length, [&](std::int64_t r) {
    const ConstRow gate(from.row(r), length), up(from.row(r) + length, length);
    Row y(to.row(r), length);
    y = gate / (1.0f + (-gate).exp()) * up;
    // Eigen's exp saturates below infinity, so -Inf / (1 + exp(Inf)) has to be said.
    if (gate.minCoeff<Eigen::PropagateNumbers>() == -kInfinity)
      for (std::int64_t i = 0; i < length; ++i)
        if (gate[i] == -kInfinity) y[i] = std::numeric_limits<float>::quiet_NaN();
  });
  return 0;
}

int softmax(DLTensor* out, const DLTensor* input) {
  if (!is_f32(out)) return kNotServed;
  const Rows<float> to(out);
  const Rows<const float> from(input);
  if (to.empty()) return 0;
  const std::int64_t length = to.length;
  for_each_row(to.count, length, [&](std::int64_t r) {
    const ConstRow x(from.row(r), length);
    Row y(to.row(r), length);
    const float top = x.maxCoeff<Eigen::PropagateNumbers>();
    y = (x - top).exp();
    const double sum = blocked_sum(length, [&](std::int64_t i, std::int64_t n) { return y.segment(i, n).sum(); });
    y *= (float)(1.0 / sum);
  });
  return 0;
}

}  // namespace crucible::baseline::CRUCIBLE_ISA
