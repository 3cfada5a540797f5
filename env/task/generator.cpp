#include "env/task/generator.h"

#include <charconv>
#include <functional>
#include <stdexcept>

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
  std::vector<bool> begun(arguments_.size(), false);
  const std::function<void(std::size_t)> fill_argument = [&](std::size_t i) {
    if (begun[i]) return;
    begun[i] = true;
    // What a cache holds depends on the block table, and that on the lengths: a rule's parameters name them.
    for (const auto& [parameter, value] : arguments_[i].values.parameters)
      for (std::size_t other = 0; other < arguments_.size(); ++other)
        if (arguments_[other].name == value) fill_argument(other);
    const Argument& argument = layout.arguments.at(i);
    if (argument.kind != Argument::Kind::tensor || argument.tensor.access == Access::output) return;
    if (argument.tensor.element_count() == 0) return;
    FillSite site{workload, layout, i, arguments_[i].values, family, Random(key, i), contents};
    fill_values(site);
  };
  for (std::size_t i = 0; i < arguments_.size(); ++i) fill_argument(i);
  return contents;
}

}  // namespace crucible
