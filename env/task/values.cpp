#include "env/task/values.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "env/task/element.h"
#include "env/task/rows.h"
#include "env/task/structure.h"
#include "env/task/vectorize.h"

namespace crucible {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

CRUCIBLE_VECTORIZE void round_to_bf16(const float* values, std::size_t count, std::uint16_t* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = float_to_bf16(values[i]);
}

CRUCIBLE_VECTORIZE void round_to_f16(const float* values, std::size_t count, std::uint16_t* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = float_to_f16(values[i]);
}

void scale(std::span<float> row, float factor) {
  for (float& value : row) value *= factor;
}

/// A row of zeros but one; the last and the first column are likely places, since tails hide there.
void one_hot(Random& random, std::span<float> row) {
  std::fill(row.begin(), row.end(), 0.0f);
  const float place = random.uniform(0, 1);
  const std::size_t hot = place < 0.3f   ? row.size() - 1
                          : place < 0.4f ? 0
                                         : random.below(static_cast<std::uint32_t>(row.size()));
  row[hot] = random.uniform(1, 8) * (random.chance(0.5f) ? 1.0f : -1.0f);
}

/// Every second row gets special values, one kind after another: always one in the first half (the gate of a gated
/// activation), often a second one anywhere, tails above all.
void insert_special(Random& random, std::span<float> row, std::int64_t index) {
  const auto length = static_cast<std::uint32_t>(row.size());
  const auto put = [&](float value) {
    row[random.below((length + 1) / 2)] = value;
    if (random.chance(0.5f)) row[random.chance(0.4f) ? length - 1 : random.below(length)] = value;
  };
  if (index % 2 != 0) return;
  switch (index / 2 % 6) {
    case 0:
      put(kNaN);
      return;
    case 1:
      put(kInf);
      return;
    case 2:
      put(-kInf);
      return;
    case 3:
      put(kInf);
      put(-kInf);
      return;
    case 4:
      std::fill(row.begin(), row.end(), -kInf);
      return;
    default:
      std::fill(row.begin(), row.end(), -0.0f);
  }
}

/// The place of the maximum decides how often an online algorithm rescales.
void cluster_maxima(Random& random, std::span<float> row) {
  const auto length = static_cast<float>(row.size());
  random.fill_normal(row);
  scale(row, 0.5f);
  switch (random.below(4)) {
    case 0:  // rising: a new maximum all the time
      for (std::size_t i = 0; i < row.size(); ++i) row[i] += 24.0f * static_cast<float>(i) / length;
      return;
    case 1:  // falling: the first is the largest
      for (std::size_t i = 0; i < row.size(); ++i) row[i] -= 24.0f * static_cast<float>(i) / length;
      return;
    case 2:  // at the very end
      for (std::size_t i = row.size() - std::min<std::size_t>(row.size(), 3); i < row.size(); ++i) row[i] += 20.0f;
      return;
    default: {  // a narrow cluster somewhere
      const std::size_t begin = random.below(static_cast<std::uint32_t>(row.size()));
      for (std::size_t i = begin; i < std::min(row.size(), begin + 8); ++i) row[i] += 15.0f;
    }
  }
}

}  // namespace

void fill_activation(FillSite& site) {
  const RowWriter writer(site);
  if (writer.rows() == 0) return;
  Random& random = site.random;
  const std::string_view family = site.family;
  const auto base = static_cast<float>(site.number("scale", 1));
  const auto large = static_cast<float>(site.number("large", 100));
  const auto tiny = static_cast<float>(site.number("tiny", 1e-3));
  const auto offset = static_cast<float>(site.number("offset", 300));
  const auto mean_share = static_cast<float>(site.number("mean", 0));
  std::vector<float> row(writer.length());
  const auto length = static_cast<std::uint32_t>(row.size());
  std::vector<std::pair<std::uint32_t, float>> outliers;
  if (family == "outlier_channels") {
    outliers.emplace_back(random.chance(0.5f) ? length - 1 : random.below(length), random.uniform(20, 100));
    for (std::uint32_t i = 0; i < length / 128; ++i)
      outliers.emplace_back(random.below(length), random.uniform(20, 100));
  }
  for (std::int64_t r = 0; r < writer.rows(); ++r) {
    if (family == "uniform") {
      random.fill_uniform(row, -base, 3 * base);
    } else if (family == "constant") {
      // Multiples of 1/32: their sums are exact, so that the test is about the formula and not about luck in rounding.
      const auto steps = static_cast<float>(random.below(127) + 1) * (random.chance(0.5f) ? 1.0f : -1.0f);
      std::fill(row.begin(), row.end(), base * steps / 32.0f);
    } else if (family == "one_hot") {
      one_hot(random, row);
      scale(row, base);
    } else if (family == "clustered_maxima") {
      cluster_maxima(random, row);
      scale(row, base);
    } else {
      random.fill_normal(row);
      if (mean_share != 0) {
        const float mean = mean_share * random.uniform(0.5f, 1.5f) * (random.chance(0.5f) ? 1.0f : -1.0f);
        for (float& value : row) value += mean;
      }
      if (family == "large") {
        scale(row, large);
      } else if (family == "tiny") {
        scale(row, tiny * std::exp2(random.uniform(-5, 2)));
      } else if (family == "cancellation") {
        const float mean = random.uniform(0.3f, 1) * offset * (random.chance(0.5f) ? 1.0f : -1.0f);
        for (float& value : row) value = base * value + mean;
      } else if (family == "prefix_suffix") {
        const std::size_t split = length / 4 + random.below(length / 2 + 1);
        for (std::size_t i = 0; i < row.size(); ++i) row[i] *= i < split ? 0.01f * base : 10.0f * base;
      } else {
        scale(row, base * std::exp2(random.uniform(-1, 2)));
        for (const auto& [channel, factor] : outliers) row[channel] *= factor;
        if (family == "special_values") insert_special(random, row, r);
        if (family == "masked") std::fill(row.begin() + 1 + random.below(length), row.end(), -kInf);
      }
    }
    writer.write(r, row);
  }
}

namespace {

bool weights_near_one(std::string_view family) {
  return family != "uniform" && family != "large" && family != "one_hot" && family != "prefix_suffix";
}

/// Norm weights: near one (± 2 %) as real models have, in some families anything. Parameter centre: 1 (a bias has 0).
void fill_weight(FillSite& site) {
  const RowWriter writer(site);
  std::vector<float> row(writer.length());
  for (std::int64_t r = 0; r < writer.rows(); ++r) {
    site.random.fill_normal(row);
    if (weights_near_one(site.family))
      for (float& value : row) value = 1 + 0.02f * value;
    writer.write(r, row);
  }
}

/// Biases: N(0, scale²), the same in every family.
void fill_bias(FillSite& site) {
  const RowWriter writer(site);
  const auto factor = static_cast<float>(site.number("scale", 0.5));
  std::vector<float> row(writer.length());
  for (std::int64_t r = 0; r < writer.rows(); ++r) {
    site.random.fill_normal(row);
    scale(row, factor);
    writer.write(r, row);
  }
}

const ValueRules& rules() {
  static const ValueRules table = [] {
    ValueRules rules{{"activation", {"scale", "large", "tiny", "offset", "mean"}, {}, fill_activation},
                     {"weight", {}, {}, fill_weight},
                     {"bias", {"scale"}, {}, fill_bias}};
    for (const ValueRules& more : {structure_rules(), paging_rules()})
      rules.insert(rules.end(), more.begin(), more.end());
    return rules;
  }();
  return table;
}

}  // namespace

RowWriter::RowWriter(const FillSite& site) : dtype_(site.tensor().dtype), storage_(site.storage()) {
  for_each_row(site.tensor(), [&](const TensorRow& row) {
    offsets_.push_back(row.byte_offset);
    length_ = row.length;
    stride_ = row.byte_stride;
  });
}

void RowWriter::write(std::int64_t row, std::span<const float> values) const {
  std::byte* element = storage_ + offsets_[static_cast<std::size_t>(row)];
  if (dtype_ == DType::f32 && stride_ == 4) {
    std::memcpy(element, values.data(), values.size_bytes());
  } else if (dtype_ == DType::bf16 || dtype_ == DType::f16) {
    std::vector<std::uint16_t> bits(values.size());
    (dtype_ == DType::bf16 ? round_to_bf16 : round_to_f16)(values.data(), values.size(), bits.data());
    if (stride_ == 2) {
      std::memcpy(element, bits.data(), bits.size() * 2);
    } else {
      for (std::size_t i = 0; i < bits.size(); ++i, element += stride_) std::memcpy(element, &bits[i], 2);
    }
  } else {
    for (float value : values) {
      store_element(dtype_, element, value);
      element += stride_;
    }
  }
}

const NamedValueRule* find_value_rule(std::string_view name) {
  for (const NamedValueRule& rule : rules())
    if (rule.name == name) return &rule;
  return nullptr;
}

void fill_values(FillSite& site) {
  const NamedValueRule* rule = find_value_rule(site.rule.name);
  if (rule == nullptr) throw std::invalid_argument("no value rule is called '" + site.rule.name + "'");
  rule->fill(site);
}

std::vector<std::string> value_rule_names() {
  std::vector<std::string> names;
  for (const NamedValueRule& rule : rules()) names.push_back(rule.name);
  return names;
}

const std::vector<std::string>& family_names() {
  static const std::vector<std::string> names{
      "normal",           "uniform",          "large",          "tiny",         "constant",
      "one_hot",          "outlier_channels", "special_values", "cancellation", "prefix_suffix",
      "clustered_maxima", "ragged",           "skewed",         "ties",         "masked"};
  return names;
}

}  // namespace crucible
