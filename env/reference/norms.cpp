#include <cmath>

#include "env/reference/arguments.h"
#include "env/reference/operators.h"
#include "env/task/element.h"

namespace crucible {
namespace {

/// One row: value[i] = x[i]·rsqrt(mean(x²)+ε)·w[i]; its magnitude is |value|.
void rms_norm_row(const double* x, const std::vector<double>& weight, double epsilon, double* value,
                  double* magnitude) {
  double squares = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) squares += x[i] * x[i];
  const double scale = 1 / std::sqrt(squares / static_cast<double>(weight.size()) + epsilon);
  for (std::size_t i = 0; i < weight.size(); ++i) {
    value[i] = x[i] * scale * weight[i];
    magnitude[i] = std::fabs(value[i]);
  }
}

class RmsNorm final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    const std::vector<double> x = call.values("input"), weight = call.values("weight");
    ExpectedOutput out = call.expected("out");
    for (std::size_t row = 0; row < x.size(); row += weight.size())
      rms_norm_row(&x[row], weight, call.real("epsilon"), &out.value[row], &out.magnitude[row]);
    return {std::move(out)};
  }
};

class FusedAddRmsNorm final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    const std::vector<double> x = call.values("input"), added = call.values("residual"), weight = call.values("weight");
    ExpectedOutput norm = call.expected("input"), residual = call.expected("residual");
    const DType dtype = call.tensor("residual").dtype;
    std::vector<double> rounded(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      residual.value[i] = x[i] + added[i];
      residual.magnitude[i] = std::fabs(x[i]) + std::fabs(added[i]);
      rounded[i] = round_to(dtype, residual.value[i]);
    }
    for (std::size_t row = 0; row < x.size(); row += weight.size())
      rms_norm_row(&rounded[row], weight, call.real("epsilon"), &norm.value[row], &norm.magnitude[row]);
    return {std::move(norm), std::move(residual)};
  }
};

class LayerNorm final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    const std::vector<double> x = call.values("input"), weight = call.values("weight");
    const std::vector<double> bias = call.has("bias") ? call.values("bias") : std::vector<double>(weight.size(), 0.0);
    ExpectedOutput out = call.expected("out");
    const std::size_t width = weight.size();
    for (std::size_t row = 0; row < x.size(); row += width) {
      double sum = 0, squares = 0;
      for (std::size_t i = 0; i < width; ++i) sum += x[row + i];
      const double mean = sum / static_cast<double>(width);
      for (std::size_t i = 0; i < width; ++i) squares += (x[row + i] - mean) * (x[row + i] - mean);
      const double scale = 1 / std::sqrt(squares / static_cast<double>(width) + call.real("epsilon"));
      for (std::size_t i = 0; i < width; ++i) {
        out.value[row + i] = (x[row + i] - mean) * scale * weight[i] + bias[i];
        out.magnitude[row + i] =
            (std::fabs(x[row + i]) + std::fabs(mean)) * scale * std::fabs(weight[i]) + std::fabs(bias[i]);
      }
    }
    return {std::move(out)};
  }
};

}  // namespace

std::shared_ptr<const Reference> rms_norm_reference() { return std::make_shared<RmsNorm>(); }
std::shared_ptr<const Reference> fused_add_rms_norm_reference() { return std::make_shared<FusedAddRmsNorm>(); }
std::shared_ptr<const Reference> layer_norm_reference() { return std::make_shared<LayerNorm>(); }

}  // namespace crucible
