#include <algorithm>
#include <cmath>

#include "env/reference/arguments.h"
#include "env/reference/operators.h"
#include "env/task/element.h"

namespace crucible {
namespace {

class PagedDecodeAttention final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    ExpectedOutput out = call.expected("out");
    out.extra.resize(out.value.size());
    const std::vector<double> query = call.values("query"), keys = call.values("key_cache"),
                              values = call.values("value_cache");
    const std::vector<std::int64_t> table = call.integers("block_table"), lengths = call.integers("seq_lens");
    const std::size_t heads = call.extent("query", 1), size = call.extent("query", 2),
                      page = call.extent("key_cache", 1), kv_heads = call.extent("key_cache", 2),
                      width = call.extent("block_table", 1);
    const double roundoff = float_format(call.tensor("out").dtype).unit_roundoff;
    std::vector<const double*> value_rows;
    std::vector<double> weights;
    for (std::size_t s = 0; s < lengths.size(); ++s) {
      const auto length = static_cast<std::size_t>(lengths[s]);
      for (std::size_t head = 0; head < heads; ++head) {
        const std::size_t kv_head = head / (heads / kv_heads), at = (s * heads + head) * size;
        weights.resize(length);
        value_rows.resize(length);
        double largest = -INFINITY;
        for (std::size_t position = 0; position < length; ++position) {
          const auto block = static_cast<std::size_t>(table[s * width + position / page]);
          const std::size_t row = ((block * page + position % page) * kv_heads + kv_head) * size;
          double score = 0;
          for (std::size_t i = 0; i < size; ++i) score += query[at + i] * keys[row + i];
          weights[position] = score * call.real("scale");
          value_rows[position] = &values[row];
          largest = std::max(largest, weights[position]);
        }
        average(weights, value_rows, largest, size, roundoff, out, at);
      }
    }
    return {std::move(out)};
  }

 private:
  /// Softmax of the scores in `weights` times the values; extra = u_T·√Σp²v².
  static void average(std::vector<double>& weights, const std::vector<const double*>& rows, double largest,
                      std::size_t size, double roundoff, ExpectedOutput& out, std::size_t at) {
    double sum = 0;
    for (double& weight : weights) sum += weight = std::exp(weight - largest);
    std::vector<double> squares(size, 0.0);
    for (std::size_t position = 0; position < weights.size(); ++position) {
      const double weight = weights[position] / sum;
      for (std::size_t i = 0; i < size; ++i) {
        const double term = weight * rows[position][i];
        out.value[at + i] += term;
        out.magnitude[at + i] += std::fabs(term);
        squares[i] += term * term;
      }
    }
    for (std::size_t i = 0; i < size; ++i) out.extra[at + i] = roundoff * std::sqrt(squares[i]);
  }
};

}  // namespace

std::shared_ptr<const Reference> paged_decode_attention_reference() { return std::make_shared<PagedDecodeAttention>(); }

}  // namespace crucible
