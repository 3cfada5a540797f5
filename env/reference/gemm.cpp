#include <cmath>

#include "env/reference/arguments.h"
#include "env/reference/operators.h"
#include "env/task/element.h"
#include "env/task/vectorize.h"

namespace crucible {
namespace {

/// sum[n] += a·b[n] and size[n] += |a·b[n]|.
CRUCIBLE_VECTORIZE void accumulate(double a, const double* b, std::size_t count, double* sum, double* size) {
  for (std::size_t n = 0; n < count; ++n) {
    const double product = a * b[n];
    sum[n] += product;
    size[n] += __builtin_fabs(product);
  }
}

/// a·b + bias with Σ|a||b| + |bias|.
ExpectedOutput product(const Arguments& call) {
  ExpectedOutput out = call.expected("out");
  const std::vector<double> a = call.values("a"), b = call.values("b");
  const std::size_t rows = call.extent("a", 0), depth = call.extent("a", 1), columns = call.extent("b", 1);
  if (call.has("bias")) {
    const std::vector<double> bias = call.values("bias");
    for (std::size_t i = 0; i < out.value.size(); ++i) {
      out.value[i] = bias[i % columns];
      out.magnitude[i] = std::fabs(bias[i % columns]);
    }
  }
  // A block of b's rows stays in cache while all rows of a pass over it.
  constexpr std::size_t kBlock = 16;
  for (std::size_t begin = 0; begin < depth; begin += kBlock)
    for (std::size_t m = 0; m < rows; ++m)
      for (std::size_t k = begin; k < std::min(depth, begin + kBlock); ++k)
        accumulate(a[m * depth + k], b.data() + k * columns, columns, out.value.data() + m * columns,
                   out.magnitude.data() + m * columns);
  return out;
}

class Gemm final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override { return {product(Arguments(inputs))}; }
};

class GemmGelu final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    ExpectedOutput out = product(call);
    const double roundoff = float_format(call.tensor("out").dtype).unit_roundoff;
    out.extra.resize(out.value.size());
    for (std::size_t i = 0; i < out.value.size(); ++i) {
      const double z = out.value[i];
      // (1 + tanh y) / 2 = 1 / (1 + exp(−2y)), without its cancellation.
      const double slope = 2 * std::sqrt(2 / 3.14159265358979323846);
      const double gate = 1 / (1 + std::exp(-slope * (z + 0.044715 * z * z * z)));
      const double derivative = gate + z * gate * (1 - gate) * slope * (1 + 3 * 0.044715 * z * z);
      out.value[i] = gate == 0 ? -0.0 : z * gate;
      out.extra[i] = gate == 0 ? 0 : roundoff * std::fabs(z * derivative);
    }
    return {std::move(out)};
  }
};

}  // namespace

std::shared_ptr<const Reference> gemm_reference() { return std::make_shared<Gemm>(); }
std::shared_ptr<const Reference> gemm_gelu_reference() { return std::make_shared<GemmGelu>(); }

}  // namespace crucible
