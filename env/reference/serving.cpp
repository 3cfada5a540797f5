// Oracles of the small memory-bound operators around attention and experts in LLM serving.

#include <cmath>
#include <cstring>
#include <limits>

#include "env/reference/arguments.h"
#include "env/reference/operators.h"

namespace crucible {
namespace {

/// The elements of a tensor as they are, dense and row-major.
std::vector<std::byte> dense_bytes(const CallView& call, std::size_t argument) {
  const TensorLayout& tensor = call.layout->arguments[argument].tensor;
  const std::size_t size = size_of(tensor.dtype);
  std::vector<std::byte> bytes;
  bytes.reserve(static_cast<std::size_t>(tensor.element_count()) * size);
  for_each_row(tensor, [&](const TensorRow& row) {
    const std::byte* element = call.base[tensor.storage] + row.byte_offset;
    for (std::size_t i = 0; i < row.length; ++i, element += row.byte_stride)
      bytes.insert(bytes.end(), element, element + size);
  });
  return bytes;
}

class Embedding final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    const std::vector<std::byte> table = dense_bytes(inputs, call.index("table"));
    const std::vector<std::int64_t> ids = call.integers("ids");
    const std::size_t row = call.extent("table", 1) * size_of(call.tensor("table").dtype);
    ExpectedOutput out;
    out.argument = call.index("out");
    out.exact = true;
    out.bytes.resize(ids.size() * row);
    for (std::size_t t = 0; t < ids.size() && row > 0; ++t)
      std::memcpy(out.bytes.data() + t * row, table.data() + static_cast<std::size_t>(ids[t]) * row, row);
    return {std::move(out)};
  }
};

class MoeSum final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    ExpectedOutput out = call.expected("out");
    const std::vector<double> x = call.values("input");
    const std::size_t parts = call.extent("input", 1), width = call.extent("input", 2);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t at = i / width / parts * width + i % width;
      out.value[at] += x[i];
      out.magnitude[at] += std::fabs(x[i]);
    }
    return {std::move(out)};
  }
};

class MergeAttnStates final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    std::vector<ExpectedOutput> outputs{call.expected("out")};
    const std::vector<double> prefix = call.values("prefix"), suffix = call.values("suffix"),
                              prefix_lse = call.values("prefix_lse"), suffix_lse = call.values("suffix_lse");
    const std::size_t tokens = call.extent("out", 0), heads = call.extent("out", 1), size = call.extent("out", 2);
    if (call.has("out_lse")) outputs.push_back(call.expected("out_lse"));
    for (std::size_t t = 0; t < tokens; ++t)
      for (std::size_t h = 0; h < heads; ++h) {
        const double a = empty_when_infinite(prefix_lse[h * tokens + t]),
                     b = empty_when_infinite(suffix_lse[h * tokens + t]), most = std::fmax(a, b);
        const bool both_empty = std::isinf(most);
        const double u = both_empty ? 1 : std::exp(a - most), v = both_empty ? 0 : std::exp(b - most), sum = u + v;
        // What exp and the difference of the two cost in fp32 grows with their distance.
        const double spread = both_empty || std::isinf(a) || std::isinf(b) ? 1 : 1 + std::fabs(a - b);
        for (std::size_t i = 0; i < size; ++i) {
          const std::size_t at = (t * heads + h) * size + i;
          const double x = prefix[at] * (u / sum), y = v == 0 ? 0 : suffix[at] * (v / sum);
          outputs[0].value[at] = x + y;
          outputs[0].magnitude[at] = (std::fabs(x) + std::fabs(y)) * spread;
        }
        if (outputs.size() < 2) continue;
        outputs[1].value[h * tokens + t] = both_empty ? -std::numeric_limits<double>::infinity() : most + std::log(sum);
        outputs[1].magnitude[h * tokens + t] = both_empty ? 0 : std::fabs(most) + std::log(sum) + 1;
      }
    return outputs;
  }

 private:
  static double empty_when_infinite(double lse) { return lse == INFINITY ? -INFINITY : lse; }
};

class ReshapeAndCache final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    const std::vector<std::int64_t> slots = call.integers("slot_mapping");
    std::vector<ExpectedOutput> outputs;
    for (const auto& [from, to] : {std::pair{"key", "key_cache"}, std::pair{"value", "value_cache"}}) {
      ExpectedOutput cache;
      cache.argument = call.index(to);
      cache.exact = true;
      cache.bytes = dense_bytes(inputs, cache.argument);
      const std::vector<std::byte> rows = dense_bytes(inputs, call.index(from));
      const std::size_t row = call.extent(to, 2) * call.extent(to, 3) * size_of(call.tensor(to).dtype);
      for (std::size_t t = 0; t < slots.size() && row > 0; ++t)
        if (slots[t] >= 0)
          std::memcpy(cache.bytes.data() + static_cast<std::size_t>(slots[t]) * row, rows.data() + t * row, row);
      outputs.push_back(std::move(cache));
    }
    return outputs;
  }
};

}  // namespace

std::shared_ptr<const Reference> embedding_reference() { return std::make_shared<Embedding>(); }
std::shared_ptr<const Reference> moe_sum_reference() { return std::make_shared<MoeSum>(); }
std::shared_ptr<const Reference> merge_attn_states_reference() { return std::make_shared<MergeAttnStates>(); }
std::shared_ptr<const Reference> reshape_and_cache_reference() { return std::make_shared<ReshapeAndCache>(); }

}  // namespace crucible
