#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "env/task/declaration.h"
#include "env/task/random.h"
#include "env/task/structure.h"

namespace crucible {

/// Everything a value rule may look at while it fills one tensor.
struct FillSite {
  const Workload& workload;
  const CallLayout& layout;
  std::size_t argument;  ///< index of the tensor being filled
  const ValueRule& rule;
  std::string_view family;
  Random random;           ///< this tensor's own stream
  CallContents& contents;  ///< the tensors that the rule's parameters name are filled already

  const TensorLayout& tensor() const { return layout.arguments[argument].tensor; }
  std::byte* storage() const { return contents.storages[tensor().storage].data(); }
  double number(const std::string& key, double fallback) const { return rule.number(key, workload, fallback); }
};

/// Writes one row of a tensor, rounding to its dtype. `row` counts the flattened leading dimensions.
class RowWriter {
 public:
  explicit RowWriter(const FillSite& site);
  std::int64_t rows() const { return static_cast<std::int64_t>(offsets_.size()); }
  std::size_t length() const { return length_; }
  void write(std::int64_t row, std::span<const float> values) const;

 private:
  DType dtype_;
  std::byte* storage_;
  std::vector<std::ptrdiff_t> offsets_;
  std::size_t length_ = 0;
  std::ptrdiff_t stride_ = 0;
};

/// Rows of activations, in every family. Parameters: scale (1), large (100), tiny (1e-3), offset (300; of
/// "cancellation"), mean (0; of a row, in standard deviations, where it is drawn from a normal distribution).
void fill_activation(FillSite& site);

/// Draws the contents of one tensor by its rule. Throws std::invalid_argument for a rule that does not exist or does
/// not fit the tensor.
void fill_values(FillSite& site);

/// The rule called `name`; null when there is none.
const NamedValueRule* find_value_rule(std::string_view name);

/// Rules that follow the family ("activation", "weight", …) and rules of structure ("positions", "block_table", …).
std::vector<std::string> value_rule_names();

/// Every distribution family that some rule knows; a rule treats the others as "normal".
const std::vector<std::string>& family_names();

}  // namespace crucible
