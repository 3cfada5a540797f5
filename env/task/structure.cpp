#include "env/task/structure.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "env/task/element.h"
#include "env/task/rows.h"
#include "env/task/values.h"

namespace crucible {
namespace {

/// The right operand [K, N] of a product whose left rows are activations. "cancellation": rows K/2 + j are minus rows
/// j, up to 2⁻⁸, while the left operand (rule "activation_pairs") repeats itself, so that the sums nearly vanish.
/// Parameters: scale (1), large (30), tiny (1e-3).
void fill_matrix(FillSite& site) {
  const RowWriter writer(site);
  const auto base = static_cast<float>(site.number("scale", 1));
  std::vector<float> row(writer.length());
  std::vector<std::vector<float>> first_half;
  const std::int64_t half = writer.rows() / 2;
  for (std::int64_t k = 0; k < writer.rows(); ++k) {
    site.random.fill_normal(row);
    float factor = base;
    if (site.family == "uniform") site.random.fill_uniform(row, -1, 2);
    if (site.family == "large") factor = base * static_cast<float>(site.number("large", 30));
    if (site.family == "tiny") factor = base * static_cast<float>(site.number("tiny", 1e-3));
    if (site.family == "constant") std::fill(row.begin(), row.end(), 0.5f);
    for (float& value : row) value *= factor;
    if (site.family == "cancellation" && k < half) first_half.push_back(row);
    if (site.family == "cancellation" && k >= half && k - half < half) {
      const std::vector<float>& twin = first_half[static_cast<std::size_t>(k - half)];
      for (std::size_t n = 0; n < row.size(); ++n) row[n] = 0x1p-8f * row[n] - twin[n];
    }
    if (site.family == "special_values" && k == writer.rows() - 1)
      row[site.random.below(static_cast<std::uint32_t>(row.size()))] = std::numeric_limits<float>::infinity();
    writer.write(k, row);
  }
}

/// The left operand that goes with fill_matrix: in "cancellation" the second half of each row repeats the first.
void fill_activation_pairs(FillSite& site) {
  if (site.family != "cancellation") return fill_activation(site);
  const RowWriter writer(site);
  std::vector<float> row(writer.length());
  const std::size_t half = row.size() / 2;
  for (std::int64_t m = 0; m < writer.rows(); ++m) {
    site.random.fill_normal(row);
    std::copy_n(row.begin(), half, row.begin() + static_cast<std::ptrdiff_t>(half));
    writer.write(m, row);
  }
}

/// Router logits. "skewed": a few experts win most tokens, as in real routing; "ties": few distinct values; "masked":
/// −Inf but for at least one expert a row. Finite otherwise.
void fill_logits(FillSite& site) {
  if (site.family != "skewed" && site.family != "ties" && site.family != "masked") return fill_activation(site);
  const RowWriter writer(site);
  std::vector<float> row(writer.length()), popularity(writer.length());
  site.random.fill_normal(popularity);
  for (float& value : popularity) value = 2 * value;
  for (std::int64_t t = 0; t < writer.rows(); ++t) {
    site.random.fill_normal(row);
    if (site.family == "ties") {
      for (float& value : row) value = std::nearbyint(2 * value) / 2;
    } else if (site.family == "skewed") {
      for (std::size_t e = 0; e < row.size(); ++e) row[e] += popularity[e];
    } else {
      const std::size_t kept = site.random.below(static_cast<std::uint32_t>(row.size()));
      for (std::size_t e = 0; e < row.size(); ++e)
        if (e != kept && site.random.chance(0.6f)) row[e] = -std::numeric_limits<float>::infinity();
    }
    writer.write(t, row);
  }
}

/// Experts [T, k] that a router chose, k different ones a token: any, a few favourites in "skewed", the same for every
/// token in "constant". Parameter: limit (the number of experts).
void fill_expert_ids(FillSite& site) {
  const auto experts = static_cast<std::size_t>(site.number("limit", 1));
  const TensorLayout& tensor = site.tensor();
  const auto tokens = static_cast<std::size_t>(tensor.shape[0]), k = static_cast<std::size_t>(tensor.shape[1]);
  std::vector<float> popularity(experts), score(experts);
  std::vector<std::size_t> order(experts);
  site.random.fill_normal(popularity);
  const float weight = site.family == "constant" ? 1000.0f : site.family == "skewed" ? 2.0f : 0.0f;
  std::byte* storage = site.storage();
  for (std::size_t t = 0; t < tokens; ++t) {
    site.random.fill_normal(score);
    for (std::size_t e = 0; e < experts; ++e) {
      score[e] += weight * popularity[e];
      order[e] = e;
    }
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(),
                      [&](std::size_t a, std::size_t b) { return score[a] > score[b]; });
    for (std::size_t j = 0; j < k; ++j) {
      const auto at =
          static_cast<std::int64_t>(t) * tensor.strides[0] + static_cast<std::int64_t>(j) * tensor.strides[1];
      store_element(tensor.dtype, storage + tensor.byte_offset + static_cast<std::size_t>(at) * size_of(tensor.dtype),
                    static_cast<double>(order[j]));
    }
  }
}

/// Activations; in "cancellation" minus those of the tensor named by the parameter `of`, up to 2⁻⁶, so that the sum of
/// the two cancels. Both have the same shape, and `of` comes first.
void fill_opposite(FillSite& site) {
  if (site.family != "cancellation") return fill_activation(site);
  const Argument& other = site.layout.arguments[site.layout.index_of(site.rule.parameters.at("of"))];
  const std::vector<double> values = read_dense(other.tensor, site.contents.storages[other.tensor.storage].data());
  const RowWriter writer(site);
  std::vector<float> row(writer.length());
  for (std::int64_t r = 0; r < writer.rows(); ++r) {
    site.random.fill_normal(row);
    for (std::size_t i = 0; i < row.size(); ++i)
      row[i] = -static_cast<float>(values[static_cast<std::size_t>(r) * row.size() + i]) * (1 + 0x1p-6f * row[i]);
    writer.write(r, row);
  }
}

}  // namespace

ValueRules structure_rules() {
  return {{"matrix", {"scale", "large", "tiny"}, {}, fill_matrix},
          {"activation_pairs", {"scale", "large", "tiny", "offset", "mean"}, {}, fill_activation_pairs},
          {"logits", {"scale", "large", "tiny", "offset", "mean"}, {}, fill_logits},
          {"expert_ids", {"limit"}, {}, fill_expert_ids},
          {"opposite", {"of", "scale", "large", "tiny", "offset", "mean"}, {"of"}, fill_opposite}};
}

}  // namespace crucible
