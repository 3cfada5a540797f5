#include "env/task/generator.h"

#include <charconv>
#include <stdexcept>

#include "env/task/element.h"
#include "env/task/values.h"

namespace crucible {

double ValueRule::number(const std::string& key, const Workload& workload, double fallback) const {
  const auto found = parameters.find(key);
  if (found == parameters.end()) return fallback;
  const std::string& text = found->second;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return value;
  return static_cast<double>(Extent::parse(text).value(workload));
}

std::int64_t Workload::axis(std::string_view wanted) const {
  for (const auto& [axis_name, value] : axes)
    if (axis_name == wanted) return value;
  throw std::out_of_range("workload '" + name + "' has no axis '" + std::string(wanted) + "'");
}

DeclaredGenerator::DeclaredGenerator(std::vector<ArgumentDeclaration> arguments) : arguments_(std::move(arguments)) {}

CallLayout DeclaredGenerator::layout(const Workload& workload) const { return lay_out(arguments_, workload); }

CallContents DeclaredGenerator::fill(const Workload& workload, const CallLayout& layout, std::string_view family,
                                     const std::array<std::uint8_t, 32>& key) const {
  CallContents contents;
  for (const StorageLayout& storage : layout.storages) contents.storages.emplace_back(storage.bytes);
  // Integers first: what a cache holds depends on the block table and the lengths.
  for (const bool integers : {true, false}) {
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      const Argument& argument = layout.arguments.at(i);
      if (argument.kind != Argument::Kind::tensor || argument.tensor.access == Access::output) continue;
      if (is_float(argument.tensor.dtype) == integers || argument.tensor.element_count() == 0) continue;
      FillSite site{workload, layout, i, arguments_[i].values, family, Random(key, i), contents};
      fill_values(site);
    }
  }
  return contents;
}

}  // namespace crucible
