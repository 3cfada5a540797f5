#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "env/task/element.h"
#include "env/task/rows.h"
#include "env/task/structure.h"
#include "env/task/values.h"

namespace crucible {
namespace {

void write_integers(const FillSite& site, const std::vector<std::int64_t>& values) {
  std::byte* storage = site.storage();
  const DType dtype = site.tensor().dtype;
  for_each_row(site.tensor(), [&](const TensorRow& row) {
    std::byte* element = storage + row.byte_offset;
    for (std::size_t i = 0; i < row.length; ++i, element += row.byte_stride)
      store_element(dtype, element, static_cast<double>(values[row.index + i]));
  });
}

std::vector<std::int64_t> integers_of(const FillSite& site, const std::string& parameter) {
  const std::string& name = site.rule.parameters.at(parameter);
  const CallView view = view_of(site.layout, site.contents);
  return read_integers(view, site.layout.index_of(name));
}

const TensorLayout& tensor_of(const FillSite& site, const std::string& parameter) {
  return site.layout.arguments[site.layout.index_of(site.rule.parameters.at(parameter))].tensor;
}

/// Lengths in [1, max]. Usually spread evenly over the upper half of the range, so that every entry of a pool costs
/// about the same; "ragged": 1, 2, 3, the maximum, then short ones among a few long ones. Parameter: max.
void fill_seq_lens(FillSite& site) {
  const auto count = static_cast<std::size_t>(site.tensor().element_count());
  const auto max = static_cast<std::uint32_t>(site.number("max", 1));
  const std::vector<std::uint32_t> order = site.random.permutation(static_cast<std::uint32_t>(count));
  std::vector<std::int64_t> lengths(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t place = order[i];
    std::int64_t& length = lengths[i];
    if (site.family != "ragged") {
      const float share = (static_cast<float>(place) + site.random.uniform(0.4f, 0.6f)) / static_cast<float>(count);
      length = max - static_cast<std::int64_t>(share * static_cast<float>(max / 2));
    } else if (place < 4) {
      length = std::min<std::int64_t>(place == 3 ? max : place + 1, max);
    } else {
      length = 1 + site.random.below(site.random.chance(0.25f) ? max : std::max(max / 16, 1u));
    }
  }
  write_integers(site, lengths);
}

/// Each sequence gets blocks of its own, scattered over the pool, as long as there are any; then blocks are shared, as
/// prefixes are. Entries past a sequence's length are valid block numbers without meaning.
/// Parameters: blocks, page, lengths (the tensor of lengths).
void fill_block_table(FillSite& site) {
  const auto blocks = static_cast<std::uint32_t>(site.number("blocks", 1));
  const auto page = static_cast<std::int64_t>(site.number("page", 1));
  const std::vector<std::int64_t> lengths = integers_of(site, "lengths");
  const auto width = static_cast<std::size_t>(site.tensor().shape.back());
  const std::vector<std::uint32_t> order = site.random.permutation(blocks);
  std::vector<std::int64_t> table(lengths.size() * width);
  std::size_t next = 0;
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    for (std::size_t w = 0; w < width; ++w) {
      const bool used = static_cast<std::int64_t>(w) * page < lengths[s];
      table[s * width + w] = used ? order[next++ % blocks] : site.random.below(blocks);
    }
  }
  write_integers(site, table);
}

/// A direction of ±1 that queries and keys share, so that scores can be steered without one tensor knowing the other.
float direction(std::size_t channel) {
  return (std::popcount(static_cast<std::uint32_t>(channel) * 2654435761u) & 1) != 0 ? 1.0f : -1.0f;
}

/// Queries [S, Hq, h]: activations; in "clustered_maxima" along the direction that keys share. Outlier channels are the
/// keys' alone: on both sides they would make scores that no fp32 product keeps apart.
void fill_attention_query(FillSite& site) {
  if (site.family == "outlier_channels") site.family = "normal";
  if (site.family != "clustered_maxima") return fill_activation(site);
  const RowWriter writer(site);
  std::vector<float> row(writer.length());
  for (std::int64_t r = 0; r < writer.rows(); ++r) {
    site.random.fill_normal(row);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = 0.5f * row[i] + direction(i);
    writer.write(r, row);
  }
}

/// Where in its sequence a cached row stands, as a share of the length; negative when no sequence reaches it.
std::vector<float> cached_places(const FillSite& site, std::int64_t blocks, std::int64_t page) {
  const std::vector<std::int64_t> lengths = integers_of(site, "lengths"), table = integers_of(site, "table");
  const auto width = static_cast<std::size_t>(tensor_of(site, "table").shape.back());
  std::vector<float> places(static_cast<std::size_t>(blocks * page), -1.0f);
  for (std::size_t s = 0; s < lengths.size(); ++s)
    for (std::int64_t position = 0; position < lengths[s]; ++position) {
      const std::int64_t block = table[s * width + static_cast<std::size_t>(position / page)];
      places[static_cast<std::size_t>(block * page + position % page)] =
          static_cast<float>(position) / static_cast<float>(lengths[s]);
    }
  return places;
}

/// A cache [B, page, Hk, h] of keys or values. Rows that no sequence reaches hold plausible stale numbers in "normal",
/// NaN elsewhere. "clustered_maxima": scores rise along the sequence, fall, or peak at its end; "prefix_suffix": keys
/// of the suffix are 10 times, its values 100 times those of the prefix. Parameters: table, lengths (tensors), role
/// (key or value).
void fill_kv_cache(FillSite& site) {
  const RowWriter writer(site);
  const auto& shape = site.tensor().shape;
  const std::int64_t heads = shape[2];
  const std::vector<float> places = cached_places(site, shape[0], shape[1]);
  const bool key = site.rule.parameters.at("role") == "key";
  const std::uint32_t slope = site.random.below(3);
  std::vector<float> row(writer.length());
  for (std::int64_t r = 0; r < writer.rows(); ++r) {
    const float place = places[static_cast<std::size_t>(r / heads)];
    site.random.fill_normal(row);
    if (place < 0) {
      for (float& value : row) value = site.family == "normal" ? 4 * value : std::numeric_limits<float>::quiet_NaN();
    } else if (site.family == "clustered_maxima" && key) {
      const float along = slope == 0 ? 2 * place : slope == 1 ? 2 - 2 * place : place > 0.95f ? 2.0f : 0.0f;
      for (std::size_t i = 0; i < row.size(); ++i) row[i] = 0.5f * row[i] + along * direction(i);
    } else if (site.family == "prefix_suffix") {
      for (float& value : row) value *= place < 0.5f ? 0.1f : (key ? 1.0f : 10.0f);
    } else if (site.family == "large") {
      for (float& value : row) value *= key ? 4.0f : 100.0f;
    } else if (site.family == "uniform") {
      for (float& value : row) value = std::fabs(value);
    } else if (site.family == "outlier_channels") {
      row[row.size() - 1] *= 10;
      row[row.size() / 3] *= 5;
    }
    writer.write(r, row);
  }
}

/// Positions in [0, P). "ragged": several sequences, each counting up from somewhere; "constant": one position.
/// Parameter: limit (P).
void fill_positions(FillSite& site) {
  const auto limit = static_cast<std::uint32_t>(site.number("limit", 1));
  std::vector<std::int64_t> positions(static_cast<std::size_t>(site.tensor().element_count()));
  std::int64_t running = site.random.below(limit);
  for (std::int64_t& position : positions) {
    if (site.family == "constant") {
      position = running;
    } else if (site.family == "ragged") {
      running = running + 1 >= limit || site.random.chance(0.1f) ? site.random.below(limit) : running + 1;
      position = running;
    } else {
      position = site.random.below(limit);
    }
  }
  write_integers(site, positions);
}

/// Where new rows go in a cache: distinct slots in [0, limit), in runs as sequences make them; some are −1 (padding
/// that is skipped) in "masked" and "ragged". Parameter: limit, at least as large as the tensor.
void fill_slots(FillSite& site) {
  const auto limit = static_cast<std::uint32_t>(site.number("limit", 1));
  std::vector<std::int64_t> slots(static_cast<std::size_t>(site.tensor().element_count()));
  const std::vector<std::uint32_t> order = site.random.permutation(limit);
  const bool skips = site.family == "masked" || site.family == "ragged";
  if (site.family == "normal" || site.family == "ragged") {
    // One run after the other: starts are scattered, slots of a run adjacent. Runs are cut so that none meets another.
    constexpr std::uint32_t kRun = 8;
    const std::vector<std::uint32_t> runs = site.random.permutation(limit / kRun);
    for (std::size_t t = 0; t < slots.size(); ++t) {
      const std::size_t run = t / kRun;
      slots[t] = run < runs.size() ? runs[run] * kRun + t % kRun : limit / kRun * kRun + (t - runs.size() * kRun);
    }
  } else {
    for (std::size_t t = 0; t < slots.size(); ++t) slots[t] = order[t];
  }
  for (std::int64_t& slot : slots)
    if (skips && site.random.chance(0.2f)) slot = -1;
  write_integers(site, slots);
}

/// Logarithms of sums of exponentials as partial attentions leave them. "masked": some sides are empty (−Inf, or +Inf
/// as some kernels write it); "large": far apart.
void fill_lse(FillSite& site) {
  const RowWriter writer(site);
  std::vector<float> row(writer.length());
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (std::int64_t r = 0; r < writer.rows(); ++r) {
    site.random.fill_normal(row);
    for (float& value : row) {
      value = site.family == "large" ? 20 * value : 2 * value + 5;
      if (site.family == "masked" && site.random.chance(0.3f)) value = site.random.chance(0.3f) ? kInf : -kInf;
    }
    writer.write(r, row);
  }
}

/// Rotary tables [P, R]: cos of position·θ_i in the first half of a row, sin in the second; θ's base is drawn between
/// 10⁴ and 10⁶, so that the table cannot be known beforehand.
void fill_cos_sin(FillSite& site) {
  const RowWriter writer(site);
  const std::size_t half = writer.length() / 2;
  const double base = std::pow(10.0, site.random.uniform(4, 6));
  std::vector<double> frequency(half);
  for (std::size_t i = 0; i < half; ++i)
    frequency[i] = std::pow(base, -static_cast<double>(i) / static_cast<double>(std::max<std::size_t>(half, 1)));
  std::vector<float> row(writer.length());
  for (std::int64_t position = 0; position < writer.rows(); ++position) {
    for (std::size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(position) * frequency[i];
      row[i] = static_cast<float>(std::cos(angle));
      row[half + i] = static_cast<float>(std::sin(angle));
    }
    writer.write(position, row);
  }
}

}  // namespace

ValueRules paging_rules() {
  return {{"seq_lens", {"max"}, {}, fill_seq_lens},
          {"block_table", {"blocks", "page", "lengths"}, {"lengths"}, fill_block_table},
          {"attention_query", {"scale", "large", "tiny", "offset", "mean"}, {}, fill_attention_query},
          {"kv_cache", {"table", "lengths", "role"}, {"table", "lengths"}, fill_kv_cache},
          {"positions", {"limit"}, {}, fill_positions},
          {"slots", {"limit"}, {}, fill_slots},
          {"lse", {}, {}, fill_lse},
          {"cos_sin", {}, {}, fill_cos_sin}};
}

}  // namespace crucible
