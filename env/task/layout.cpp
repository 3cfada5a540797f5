#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "env/task/declaration.h"

namespace crucible {
namespace {

constexpr std::int64_t kSliceParts = 3;        // a slice is the middle third of a fused projection's row
constexpr std::int64_t kRowPadding = 5;        // odd, so that padded rows start at every alignment
constexpr std::int64_t kTransposePadding = 3;  // columns of a padded transposed view
constexpr std::int64_t kFusedTail = 64;        // elements at the end of a fused row that belong to nobody here
constexpr std::size_t kCompactOffset = 64;     // bytes; compact tensors stay aligned when a workload asks for offsets

std::string option(const Workload& workload, const std::string& key, const std::string& fallback) {
  const auto found = workload.options.find(key);
  return found == workload.options.end() ? fallback : found->second;
}

std::vector<std::int64_t> strides_in_order(const std::vector<std::int64_t>& shape,
                                           const std::vector<std::size_t>& outermost_first) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  std::int64_t next = 1;
  for (std::size_t i = outermost_first.size(); i-- > 0;) {
    strides[outermost_first[i]] = next;
    next *= std::max<std::int64_t>(shape[outermost_first[i]], 1);
  }
  return strides;
}

/// Strides of a layout, and where its first element lies in its storage, in elements.
struct Placement {
  std::vector<std::int64_t> strides;
  std::int64_t first = 0;
  std::int64_t after = 0;  ///< elements of the storage behind the last one
};

Placement place(const std::string& layout, const std::vector<std::int64_t>& shape) {
  std::vector<std::size_t> order(shape.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t rank = shape.size();
  Placement placement{strides_in_order(shape, order), 0, 0};
  if (rank < 2 || layout == "compact") return placement;
  const auto widen = [&](std::int64_t row, std::int64_t padding) {
    placement.strides[rank - 2] = row;
    for (std::size_t i = rank - 2; i-- > 0;)
      placement.strides[i] = placement.strides[i + 1] * std::max<std::int64_t>(shape[i + 1], 1) + padding;
  };
  if (layout == "slice") {
    widen(kSliceParts * shape.back(), 0);
    placement.first = shape.back();
    placement.after = (kSliceParts - 2) * shape.back();
  } else if (layout == "padded") {
    widen(shape.back() + kRowPadding, 3);
  } else if (layout == "permuted") {
    std::reverse(order.begin(), order.end() - 1);
    placement.strides = strides_in_order(shape, order);
  } else if (layout == "hnd" && rank == 4) {
    std::swap(order[1], order[2]);
    placement.strides = strides_in_order(shape, order);
  } else if (layout == "transposed" && rank == 2) {
    placement.strides = {1, std::max<std::int64_t>(shape[0], 1)};
  } else if (layout == "transposed_padded" && rank == 2) {
    placement.strides = {1, std::max<std::int64_t>(shape[0], 1) + kTransposePadding};
  } else if (layout != "fused") {
    throw std::invalid_argument("layout '" + layout + "' does not fit a tensor of " + std::to_string(rank) +
                                " dimensions");
  }
  return placement;
}

/// Elements from the first to the last, inclusive.
std::int64_t extent_of(const TensorLayout& tensor) {
  if (tensor.element_count() == 0) return 0;
  std::int64_t last = 0;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) last += (tensor.shape[i] - 1) * tensor.strides[i];
  return last + 1;
}

double real_scalar(const ArgumentDeclaration& argument, const Workload& workload) {
  const std::string text = option(workload, argument.name, argument.scalar);
  if (text.starts_with("rsqrt(") && text.ends_with(")"))
    return 1 / std::sqrt(static_cast<double>(Extent::parse(text.substr(6, text.size() - 7)).value(workload)));
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    throw std::invalid_argument(argument.name + ": '" + text + "' is neither a number nor rsqrt(AXIS)");
  return value;
}

std::string layout_of(const ArgumentDeclaration& argument, const Workload& workload) {
  const std::string own = option(workload, "layout." + argument.name, "");
  if (!own.empty()) return own;
  if (!argument.strided) return argument.layout;
  return option(workload, "layout", argument.layout);
}

}  // namespace

Extent Extent::parse(std::string_view text) {
  const std::string whole(text);
  Extent extent;
  if (text.starts_with('(') && text.ends_with(')')) {
    extent.optional_ = true;
    text = text.substr(1, text.size() - 2);
  }
  for (;;) {
    const std::size_t star = text.find('*');
    std::string_view part = text.substr(0, star);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (part.empty()) throw std::invalid_argument("'" + whole + "' is not a product of numbers and axes");
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    const bool identifier = std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (error == std::errc{} && end == part.data() + part.size())
      extent.factor_ *= number;
    else if (identifier)
      extent.axes_.emplace_back(part);
    else
      throw std::invalid_argument("'" + whole + "' is not a product of numbers and axes");
    if (star == std::string_view::npos) return extent;
    text.remove_prefix(star + 1);
  }
}

std::int64_t Extent::value(const Workload& workload) const {
  std::int64_t value = factor_;
  for (const std::string& axis : axes_) value *= workload.axis(axis);
  return value;
}

std::vector<std::int64_t> evaluate(const std::vector<Extent>& extents, const Workload& workload) {
  const auto has = [&](const std::string& name) {
    return std::any_of(workload.axes.begin(), workload.axes.end(),
                       [&](const auto& axis) { return axis.first == name; });
  };
  std::vector<std::int64_t> values;
  for (const Extent& extent : extents) {
    if (extent.optional() && !std::all_of(extent.axes().begin(), extent.axes().end(), has)) continue;
    values.push_back(extent.value(workload));
  }
  return values;
}

const std::vector<std::string>& layout_names() {
  static const std::vector<std::string> names{"compact",           "slice", "padded", "permuted", "hnd", "transposed",
                                              "transposed_padded", "fused"};
  return names;
}

CallLayout lay_out(const std::vector<ArgumentDeclaration>& declarations, const Workload& workload) {
  CallLayout layout;
  const std::int64_t offset = std::stoll(option(workload, "offset", "0"));
  const std::string absent = option(workload, "absent", "");
  struct Fused {
    std::size_t storage;
    std::int64_t row = 0;   ///< elements of the group's outermost step
    std::int64_t used = 0;  ///< of it, placed so far
  };
  std::map<std::string, Fused> groups;
  // The width of a fused row is the sum over the members, so it is known before any of them is placed.
  for (const ArgumentDeclaration& declared : declarations) {
    if (declared.kind != Argument::Kind::tensor || declared.group.empty() || declared.name == absent) continue;
    if (layout_of(declared, workload) != "fused") continue;
    const std::vector<std::int64_t> shape = evaluate(declared.shape, workload);
    if (shape.size() < 2) continue;
    auto [group, fresh] = groups.try_emplace(declared.group, Fused{0, kFusedTail, 0});
    group->second.row += std::accumulate(shape.begin() + 1, shape.end(), std::int64_t{1}, std::multiplies<>());
    if (fresh) {
      group->second.storage = layout.storages.size();
      layout.storages.emplace_back();
    }
  }
  for (const ArgumentDeclaration& declared : declarations) {
    Argument argument;
    argument.name = declared.name;
    argument.kind = declared.kind;
    if (declared.kind == Argument::Kind::int32 || declared.kind == Argument::Kind::int64) {
      argument.integer = Extent::parse(option(workload, declared.name, declared.scalar)).value(workload);
    } else if (declared.kind == Argument::Kind::float64) {
      argument.real = real_scalar(declared, workload);
    } else if (declared.name == absent) {
      argument.kind = Argument::Kind::absent_tensor;
    } else {
      TensorLayout& tensor = argument.tensor;
      tensor.dtype = declared.dtype.value_or(workload.dtype);
      tensor.access = declared.access;
      tensor.shape = evaluate(declared.shape, workload);
      const std::string name = layout_of(declared, workload);
      Placement placement = place(name, tensor.shape);
      tensor.strides = placement.strides;
      const std::size_t size = size_of(tensor.dtype);
      const bool free_start = declared.strided || declared.any_strides;
      const std::size_t lead = offset == 0 ? 0 : free_start ? static_cast<std::size_t>(offset) * size : kCompactOffset;
      const auto group = name == "fused" ? groups.find(declared.group) : groups.end();
      if (group != groups.end() && tensor.shape.size() >= 2) {
        Fused& fused = group->second;
        tensor.strides[0] = fused.row;
        tensor.storage = fused.storage;
        tensor.byte_offset = lead + static_cast<std::size_t>(fused.used) * size;
        fused.used +=
            std::accumulate(tensor.shape.begin() + 1, tensor.shape.end(), std::int64_t{1}, std::multiplies<>());
        StorageLayout& storage = layout.storages[fused.storage];
        storage.bytes = std::max(storage.bytes, lead + static_cast<std::size_t>(tensor.shape[0] * fused.row) * size);
      } else if (tensor.element_count() == 0) {
        tensor.storage = layout.storages.size();
        layout.storages.emplace_back();
      } else {
        tensor.storage = layout.storages.size();
        tensor.byte_offset = lead + static_cast<std::size_t>(placement.first) * size;
        layout.storages.push_back(
            {tensor.byte_offset + static_cast<std::size_t>(extent_of(tensor) + placement.after) * size, 64});
      }
      if (tensor.element_count() == 0) tensor.byte_offset = 0;
    }
    layout.arguments.push_back(std::move(argument));
  }
  return layout;
}

}  // namespace crucible
