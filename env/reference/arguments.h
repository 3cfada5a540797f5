#pragma once

#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "env/reference/reference.h"
#include "env/task/call.h"
#include "env/task/rows.h"

namespace crucible {

/// Reads a call's arguments by name, for references.
class Arguments {
 public:
  explicit Arguments(CallView call) : call_(std::move(call)) {}

  std::size_t index(std::string_view name) const { return call_.layout->index_of(name); }
  const Argument& at(std::string_view name) const { return call_.layout->arguments[index(name)]; }
  const TensorLayout& tensor(std::string_view name) const { return at(name).tensor; }
  bool has(std::string_view name) const { return at(name).kind == Argument::Kind::tensor; }

  std::vector<double> values(std::string_view name) const { return read_dense(call_, index(name)); }
  std::vector<std::int64_t> integers(std::string_view name) const { return read_integers(call_, index(name)); }
  double real(std::string_view name) const { return at(name).real; }
  std::int64_t integer(std::string_view name) const { return at(name).integer; }

  /// Extent of dimension `axis`; negative counts from the end.
  std::size_t extent(std::string_view name, int axis) const {
    const auto& shape = tensor(name).shape;
    return static_cast<std::size_t>(axis >= 0 ? shape[static_cast<std::size_t>(axis)] : shape[shape.size() + axis]);
  }

  /// An empty expectation for output `name`, its value and magnitude sized for every element.
  ExpectedOutput expected(std::string_view name) const {
    ExpectedOutput output;
    output.argument = index(name);
    output.value.resize(static_cast<std::size_t>(tensor(name).element_count()));
    output.magnitude.resize(output.value.size());
    return output;
  }

 private:
  CallView call_;
};

}  // namespace crucible
