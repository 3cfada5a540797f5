#include "env/reference/plugin.h"

#include <dlfcn.h>

#include <cmath>
#include <cstring>
#include <stdexcept>

#include "env/task/element.h"
#include "env/task/rows.h"
#include "sandbox/compile/include/crucible/kernel.h"

namespace crucible {
namespace {

constexpr std::size_t kIntegers = 16, kReals = 8;

/// On x86-64 and aarch64 integers and floating-point numbers go to registers of their own, in order; further integers
/// go to the stack, where a function that has fewer does not look. So one type calls every entry point.
using AnyFunction = int (*)(std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                            std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                            std::int64_t, std::int64_t, std::int64_t, std::int64_t, double, double, double, double,
                            double, double, double, double);

/// One tensor as the library sees it: dense, float64 or integer.
struct DenseTensor {
  std::vector<double> reals;
  std::vector<std::byte> integers;
  std::vector<std::int64_t> shape, strides;
  DLTensor descriptor{};
};

void fill_dense(const CallView& call, std::size_t argument, DenseTensor& dense) {
  const TensorLayout& tensor = call.layout->arguments[argument].tensor;
  const auto count = static_cast<std::size_t>(tensor.element_count());
  dense.shape = tensor.shape;
  dense.strides.assign(tensor.shape.size(), 1);
  for (std::size_t i = tensor.shape.size(); i-- > 1;) dense.strides[i - 1] = dense.strides[i] * tensor.shape[i];
  const bool given = tensor.access != Access::output;
  dense.descriptor.dtype.lanes = 1;
  if (is_float(tensor.dtype)) {
    dense.reals = given ? read_dense(call, argument) : std::vector<double>(count, std::nan(""));
    dense.descriptor.data = dense.reals.data();
    dense.descriptor.dtype.code = kDLFloat;
    dense.descriptor.dtype.bits = 64;
  } else {
    const std::size_t size = size_of(tensor.dtype);
    dense.integers.resize(count * size);
    const std::vector<std::int64_t> values =
        given ? read_integers(call, argument) : std::vector<std::int64_t>(count, -1);
    for (std::size_t i = 0; i < count; ++i)
      store_element(tensor.dtype, dense.integers.data() + i * size, static_cast<double>(values[i]));
    dense.descriptor.data = dense.integers.data();
    dense.descriptor.dtype.code = kDLInt;
    dense.descriptor.dtype.bits = static_cast<std::uint8_t>(8 * size);
  }
  dense.descriptor.device = {kDLCPU, 0};
  dense.descriptor.ndim = static_cast<int>(dense.shape.size());
  dense.descriptor.shape = dense.shape.data();
  dense.descriptor.strides = dense.strides.data();
}

class PluginReference final : public Reference {
 public:
  PluginReference(const std::string& library, const std::string& task) : library_(library) {
    handle_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) throw std::runtime_error(std::string("cannot be loaded: ") + dlerror());
    value_ = reinterpret_cast<AnyFunction>(dlsym(handle_, (task + "_reference").c_str()));
    magnitude_ = reinterpret_cast<AnyFunction>(dlsym(handle_, (task + "_magnitude").c_str()));
    if (value_ == nullptr) {
      dlclose(handle_);
      throw std::runtime_error("does not export '" + task + "_reference' with C linkage");
    }
  }
  ~PluginReference() override { dlclose(handle_); }
  PluginReference(const PluginReference&) = delete;
  PluginReference& operator=(const PluginReference&) = delete;

  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    std::vector<DenseTensor> values = call(value_, inputs), magnitudes;
    if (magnitude_ != nullptr) magnitudes = call(magnitude_, inputs);
    std::vector<ExpectedOutput> outputs;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Argument& argument = inputs.layout->arguments[i];
      if (argument.kind != Argument::Kind::tensor || argument.tensor.access == Access::input) continue;
      ExpectedOutput output;
      output.argument = i;
      output.exact = !is_float(argument.tensor.dtype);
      output.bytes = std::move(values[i].integers);
      output.value = std::move(values[i].reals);
      output.magnitude = magnitude_ != nullptr ? std::move(magnitudes[i].reals) : output.value;
      for (double& magnitude : output.magnitude) magnitude = std::fabs(magnitude);
      outputs.push_back(std::move(output));
    }
    return outputs;
  }

 private:
  /// The arguments after the call, tensors at their places.
  std::vector<DenseTensor> call(AnyFunction function, const CallView& inputs) const {
    const std::vector<Argument>& arguments = inputs.layout->arguments;
    std::vector<DenseTensor> tensors(arguments.size());
    std::int64_t n[kIntegers] = {};
    double x[kReals] = {};
    std::size_t integers = 0, reals = 0;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      // One integer is left for the stream.
      if (integers + 1 >= kIntegers || reals >= kReals) throw std::runtime_error(library_ + ": too many arguments");
      if (arguments[i].kind == Argument::Kind::float64) {
        x[reals++] = arguments[i].real;
      } else if (arguments[i].kind == Argument::Kind::tensor) {
        fill_dense(inputs, i, tensors[i]);
        n[integers++] = reinterpret_cast<std::int64_t>(&tensors[i].descriptor);
      } else {
        n[integers++] = arguments[i].kind == Argument::Kind::absent_tensor ? 0 : arguments[i].integer;
      }
    }
    const int result = function(n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11], n[12], n[13],
                                n[14], n[15], x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]);
    if (result != 0) throw std::runtime_error(library_ + ": the reference returned " + std::to_string(result));
    return tensors;
  }

  std::string library_;
  void* handle_ = nullptr;
  AnyFunction value_ = nullptr;
  AnyFunction magnitude_ = nullptr;
};

}  // namespace

std::shared_ptr<const Reference> load_reference(const std::string& library, const std::string& task) {
  return std::make_shared<PluginReference>(library, task);
}

}  // namespace crucible
