// The oracle of per_token_group_quant_fp8. Scale and codes are judged together: the contract leaves the scale 2 ulp,
// and a code must be that of x/s for some s within 2⁻²² of the scale that was written.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

#include "env/reference/arguments.h"
#include "env/reference/operators.h"
#include "env/task/element.h"

namespace crucible {
namespace {

constexpr double kLargest = 448;
constexpr double kScaleFreedom = 0x1p-22;
constexpr std::int64_t kScaleUlps = 2;

class PerTokenGroupQuant final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    std::vector<ExpectedOutput> outputs(2);
    outputs[0].argument = call.index("out_q");
    outputs[1].argument = call.index("out_scale");
    for (ExpectedOutput& output : outputs) output.custom = true;
    return outputs;
  }

  std::optional<std::string> check_custom(const CallView& inputs, const CallView& outputs) const override {
    const Arguments call(inputs), after(outputs);
    const std::vector<double> x = call.values("input"), scales = after.values("out_scale"),
                              codes = after.values("out_q");
    const auto group = static_cast<std::size_t>(call.integer("group_size"));
    const double epsilon = call.real("epsilon");
    for (std::size_t g = 0; g < scales.size(); ++g) {
      double largest = 0;
      for (std::size_t i = 0; i < group; ++i) largest = std::fmax(largest, std::fabs(x[g * group + i]));
      const auto wanted = static_cast<float>(std::fmax(largest, epsilon) / kLargest);
      const auto scale = static_cast<float>(scales[g]);
      if (!(scale > 0) || std::abs(std::int64_t{std::bit_cast<std::int32_t>(scale)} -
                                   std::int64_t{std::bit_cast<std::int32_t>(wanted)}) > kScaleUlps)
        return "out_scale: element " + std::to_string(g) + " is " + std::to_string(scale) + ", expected " +
               std::to_string(wanted) + " up to 2 ulp";
      for (std::size_t i = g * group; i < (g + 1) * group; ++i) {
        const double near = nearest(x[i] / (scale * (1 + kScaleFreedom))),
                     far = nearest(x[i] / (scale * (1 - kScaleFreedom)));
        if (!(codes[i] >= std::fmin(near, far) && codes[i] <= std::fmax(near, far)))
          return "out_q: element " + std::to_string(i) + " is " + std::to_string(codes[i]) + ", expected the code of " +
                 std::to_string(x[i] / scale);
      }
    }
    return std::nullopt;
  }

 private:
  /// The number of e4m3 nearest to `value`, ties to even, saturated.
  static double nearest(double value) {
    const double size = std::fabs(value);
    if (size >= kLargest) return std::copysign(kLargest, value);
    const int exponent = size < 0x1p-6 ? -6 : std::ilogb(size);
    return std::copysign(std::ldexp(std::nearbyint(std::ldexp(size, 3 - exponent)), exponent - 3), value);
  }
};

}  // namespace

std::shared_ptr<const Reference> per_token_group_quant_fp8_reference() {
  return std::make_shared<PerTokenGroupQuant>();
}

}  // namespace crucible
