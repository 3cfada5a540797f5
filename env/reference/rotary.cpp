#include <cmath>

#include "env/reference/arguments.h"
#include "env/reference/operators.h"

namespace crucible {
namespace {

class RotaryEmbedding final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    std::vector<ExpectedOutput> outputs;
    outputs.push_back(rotate(call, "query"));
    if (call.has("key")) outputs.push_back(rotate(call, "key"));
    return outputs;
  }

 private:
  static ExpectedOutput rotate(const Arguments& call, std::string_view name) {
    ExpectedOutput out = call.expected(name);
    const std::vector<double> x = call.values(name), table = call.values("cos_sin_cache");
    const std::vector<std::int64_t> positions = call.integers("positions");
    const auto head = static_cast<std::size_t>(call.integer("head_size"));
    const std::size_t width = call.extent(name, -1), rotated = call.extent("cos_sin_cache", -1), half = rotated / 2;
    const bool neox = call.integer("is_neox") != 0;
    out.value = x;  // what is not rotated stays, bit for bit
    out.pinned.assign(x.size(), 1);
    for (std::size_t token = 0; token < positions.size(); ++token) {
      const double* row = table.data() + static_cast<std::size_t>(positions[token]) * rotated;
      for (std::size_t begin = token * width; begin < (token + 1) * width; begin += head) {
        for (std::size_t i = 0; i < half; ++i) {
          const std::size_t first = begin + (neox ? i : 2 * i), second = begin + (neox ? i + half : 2 * i + 1);
          const double cosine = row[i], sine = row[half + i];
          set(out, first, x[first] * cosine, -x[second] * sine);
          set(out, second, x[second] * cosine, x[first] * sine);
        }
      }
    }
    return out;
  }

  static void set(ExpectedOutput& out, std::size_t index, double a, double b) {
    out.value[index] = a + b;
    out.magnitude[index] = std::fabs(a) + std::fabs(b);
    out.pinned[index] = 0;
  }
};

}  // namespace

std::shared_ptr<const Reference> rotary_embedding_reference() { return std::make_shared<RotaryEmbedding>(); }

}  // namespace crucible
