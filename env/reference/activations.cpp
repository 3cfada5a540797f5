#include <algorithm>
#include <cmath>
#include <limits>

#include "env/reference/arguments.h"
#include "env/reference/operators.h"

namespace crucible {
namespace {

class SiluAndMul final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    const std::vector<double> x = call.values("input");
    ExpectedOutput out = call.expected("out");
    out.flush.resize(out.value.size());
    const std::size_t width = call.extent("out", -1);
    for (std::size_t i = 0; i < out.value.size(); ++i) {
      const std::size_t row = i / width, column = i % width;
      const double gate = x[2 * row * width + column], up = x[(2 * row + 1) * width + column];
      out.value[i] = gate / (1 + std::exp(-gate)) * up;
      out.magnitude[i] = std::fabs(out.value[i]) * (1 + std::fabs(gate));
      out.flush[i] = std::fabs(gate * up);
    }
    return {std::move(out)};
  }
};

class Softmax final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    const std::vector<double> x = call.values("input");
    ExpectedOutput out = call.expected("out");
    out.flush.assign(out.value.size(), 1.0);
    const std::size_t width = call.extent("out", -1);
    for (std::size_t row = 0; row < x.size(); row += width) {
      double largest = -std::numeric_limits<double>::infinity();
      for (std::size_t i = 0; i < width; ++i) largest = std::max(largest, x[row + i]);
      double sum = 0;
      for (std::size_t i = 0; i < width; ++i) sum += out.value[row + i] = std::exp(x[row + i] - largest);
      for (std::size_t i = 0; i < width; ++i) {
        out.value[row + i] /= sum;
        // A −Inf logit has probability 0, not 0·∞.
        out.magnitude[row + i] =
            out.value[row + i] == 0 ? 0 : out.value[row + i] * (1 + std::fabs(x[row + i] - largest));
      }
    }
    return {std::move(out)};
  }
};

}  // namespace

std::shared_ptr<const Reference> silu_and_mul_reference() { return std::make_shared<SiluAndMul>(); }
std::shared_ptr<const Reference> softmax_reference() { return std::make_shared<Softmax>(); }

}  // namespace crucible
