// The oracle of moe_align_block_size. Order inside an expert's group is free, so groups are compared as sets.

#include <cstring>

#include "env/reference/arguments.h"
#include "env/reference/operators.h"

namespace crucible {
namespace {

class MoeAlignBlockSize final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    const Groups groups(call);
    std::vector<ExpectedOutput> outputs(3);
    outputs[0].argument = call.index("sorted_ids");
    outputs[0].custom = true;
    outputs[1].argument = call.index("expert_ids");
    outputs[1].custom = true;
    outputs[2].argument = call.index("num_tokens_post_pad");
    outputs[2].exact = true;
    outputs[2].bytes.resize(sizeof(std::int32_t));
    const auto total = static_cast<std::int32_t>(groups.total);
    std::memcpy(outputs[2].bytes.data(), &total, sizeof total);
    return outputs;
  }

  std::optional<std::string> check_custom(const CallView& inputs, const CallView& outputs) const override {
    const Arguments call(inputs), after(outputs);
    const Groups groups(call);
    const std::vector<std::int64_t> sorted = after.integers("sorted_ids"), experts = after.integers("expert_ids");
    const std::vector<std::int64_t>& ids = groups.ids;
    std::vector<bool> seen(ids.size(), false);
    std::size_t at = 0;
    for (std::size_t e = 0; e < groups.padded.size(); ++e) {
      std::size_t real = 0;
      for (const std::size_t end = at + groups.padded[e]; at < end; ++at) {
        if (at % groups.block == 0 && experts[at / groups.block] != static_cast<std::int64_t>(e))
          return "expert_ids: block " + std::to_string(at / groups.block) + " is " +
                 std::to_string(experts[at / groups.block]) + ", expected " + std::to_string(e);
        const std::int64_t index = sorted[at];
        if (index == static_cast<std::int64_t>(ids.size())) continue;
        const auto place = static_cast<std::size_t>(index);
        if (index < 0 || place >= ids.size() || ids[place] != static_cast<std::int64_t>(e) || seen[place])
          return "sorted_ids: element " + std::to_string(at) + " is " + std::to_string(index) + ", which expert " +
                 std::to_string(e) + " did not get, or has already";
        seen[place] = true;
        ++real;
      }
      if (real != groups.count[e])
        return "sorted_ids: expert " + std::to_string(e) + " has " + std::to_string(real) + " entries, expected " +
               std::to_string(groups.count[e]);
    }
    return std::nullopt;
  }

 private:
  struct Groups {
    explicit Groups(const Arguments& call)
        : ids(call.integers("topk_ids")),
          block(static_cast<std::size_t>(call.integer("block_size"))),
          count(static_cast<std::size_t>(call.integer("num_experts"))),
          padded(count.size()) {
      for (const std::int64_t id : ids) ++count[static_cast<std::size_t>(id)];
      for (std::size_t e = 0; e < count.size(); ++e) total += padded[e] = (count[e] + block - 1) / block * block;
    }
    std::vector<std::int64_t> ids;
    std::size_t block;
    std::vector<std::size_t> count, padded;  ///< per expert
    std::size_t total = 0;
  };
};

}  // namespace

std::shared_ptr<const Reference> moe_align_block_size_reference() { return std::make_shared<MoeAlignBlockSize>(); }

}  // namespace crucible
