#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "env/reference/reference.h"
#include "env/task/element.h"
#include "env/task/task.h"

namespace crucible {

/// A call with compact tensors and given numbers, for tests of references.
class CallBuilder {
 public:
  CallBuilder& tensor(const std::string& name, Access access, DType dtype, std::vector<std::int64_t> shape,
                      const std::vector<double>& values = {}) {
    Argument argument;
    argument.name = name;
    argument.tensor = {dtype, access, layout_.storages.size(), 0, shape, {}};
    std::int64_t stride = 1;
    argument.tensor.strides.assign(shape.size(), 1);
    for (std::size_t i = shape.size(); i-- > 0;) {
      argument.tensor.strides[i] = stride;
      stride *= shape[i];
    }
    const auto count = static_cast<std::size_t>(argument.tensor.element_count());
    std::vector<std::byte> bytes(count * size_of(dtype));
    for (std::size_t i = 0; i < values.size(); ++i) store_element(dtype, bytes.data() + i * size_of(dtype), values[i]);
    layout_.storages.push_back({bytes.size(), 64});
    layout_.arguments.push_back(std::move(argument));
    contents_.storages.push_back(std::move(bytes));
    return *this;
  }
  CallBuilder& absent(const std::string& name) {
    Argument argument;
    argument.name = name;
    argument.kind = Argument::Kind::absent_tensor;
    layout_.arguments.push_back(argument);
    return *this;
  }
  CallBuilder& real(const std::string& name, double value) {
    Argument argument;
    argument.name = name;
    argument.kind = Argument::Kind::float64;
    argument.real = value;
    layout_.arguments.push_back(argument);
    return *this;
  }
  CallBuilder& integer(const std::string& name, std::int64_t value) {
    Argument argument;
    argument.name = name;
    argument.kind = Argument::Kind::int32;
    argument.integer = value;
    layout_.arguments.push_back(argument);
    return *this;
  }

  CallView view() const { return view_of(layout_, contents_); }
  const TensorLayout& layout(const std::string& name) const { return layout_.arguments[layout_.index_of(name)].tensor; }
  std::vector<ExpectedOutput> compute(const std::string& task) const { return reference_for(task)->compute(view()); }

  /// Overwrites a tensor: what a kernel would have left behind.
  void set(const std::string& name, const std::vector<double>& values) {
    const TensorLayout& tensor = layout(name);
    std::vector<std::byte>& storage = contents_.storages[tensor.storage];
    for (std::size_t i = 0; i < values.size(); ++i)
      store_element(tensor.dtype, storage.data() + i * size_of(tensor.dtype), values[i]);
  }
  const std::byte* storage(const std::string& name) const { return contents_.storages[layout(name).storage].data(); }

 private:
  CallLayout layout_;
  CallContents contents_;
};

}  // namespace crucible
