// The kernel that a task's prompt offers as a correct beginning is correct: compiled as a candidate would be, called
// with every case, judged by the strictest bar.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "env/judge/checker.h"
#include "env/task/bytes.h"
#include "env/task/task.h"
#include "sandbox/compile/include/crucible/kernel.h"

namespace crucible {
namespace {

/// On x86-64 and aarch64 integers and floating-point numbers go to registers of their own, so one type calls them all.
using AnyKernel = int (*)(std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                          std::int64_t, std::int64_t, std::int64_t, std::int64_t, double, double);

class LoadedKernel {
 public:
  explicit LoadedKernel(const Task& task) {
    const std::filesystem::path base =
        std::filesystem::temp_directory_path() / ("crucible_seed_" + std::to_string(getpid()) + "_" + task.name);
    std::ofstream(base.string() + ".cpp") << task.seed_kernel;
    const std::string command = std::string(CRUCIBLE_COMPILER) + " -std=c++20 -O2 -fPIC -shared -Wall -Wextra -I'" +
                                CRUCIBLE_KERNEL_INCLUDE + "' -o '" + base.string() + ".so' '" + base.string() + ".cpp'";
    REQUIRE(std::system(command.c_str()) == 0);
    handle_ = dlopen((base.string() + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
    std::filesystem::remove(base.string() + ".cpp");
    std::filesystem::remove(base.string() + ".so");
    REQUIRE(handle_ != nullptr);
    entry_ = reinterpret_cast<AnyKernel>(dlsym(handle_, task.name.c_str()));
    REQUIRE((entry_ != nullptr));
  }
  ~LoadedKernel() { dlclose(handle_); }
  LoadedKernel(const LoadedKernel&) = delete;
  LoadedKernel& operator=(const LoadedKernel&) = delete;

  int call(CallLayout& layout, CallContents& memory) const {
    std::vector<DLTensor> tensors(layout.arguments.size());
    std::vector<std::int64_t> integers;
    std::vector<double> reals;
    for (std::size_t i = 0; i < layout.arguments.size(); ++i) {
      Argument& argument = layout.arguments[i];
      if (argument.kind == Argument::Kind::tensor) {
        TensorLayout& from = argument.tensor;
        DLTensor& to = tensors[i];
        to.data = memory.storages[from.storage].data();
        to.device = {kDLCPU, 0};
        to.ndim = static_cast<int>(from.shape.size());
        const bool integer = from.dtype == DType::i32 || from.dtype == DType::i64;
        to.dtype.code = static_cast<std::uint8_t>(integer ? kDLInt : from.dtype == DType::bf16 ? kDLBfloat : kDLFloat);
        to.dtype.bits = static_cast<std::uint8_t>(8 * size_of(from.dtype));
        to.dtype.lanes = 1;
        to.shape = from.shape.data();
        to.strides = from.strides.data();
        to.byte_offset = from.byte_offset;
        integers.push_back(reinterpret_cast<std::int64_t>(&to));
      } else if (argument.kind == Argument::Kind::float64) {
        reals.push_back(argument.real);
      } else {
        integers.push_back(argument.kind == Argument::Kind::absent_tensor ? 0 : argument.integer);
      }
    }
    integers.resize(10, 0);  // the stream is NULL on cpu
    reals.resize(2, 0);
    return entry_(integers[0], integers[1], integers[2], integers[3], integers[4], integers[5], integers[6],
                  integers[7], integers[8], integers[9], reals[0], reals[1]);
  }

 private:
  void* handle_ = nullptr;
  AnyKernel entry_ = nullptr;
};

TEST_CASE("every seed kernel passes every case, writes only its outputs, and repeats itself") {
  for (const std::string& name : task_names({CRUCIBLE_TASK_DIR})) {
    const auto task = find_task(name, {CRUCIBLE_TASK_DIR});
    const LoadedKernel kernel(*task);
    for (const Case& a_case : task->cases) {
      CAPTURE(name);
      CAPTURE(a_case.workload->name);
      CAPTURE(a_case.family);
      CallLayout layout = task->generator->layout(*a_case.workload);
      std::array<std::uint8_t, 32> key{};
      key[1] = 42;
      const CallContents inputs = task->generator->fill(*a_case.workload, layout, a_case.family, key);
      const auto expected = task->reference->compute(view_of(layout, inputs));
      CallContents memory = inputs;
      const auto given = given_bytes(layout), changeable = changeable_bytes(layout);
      for (std::size_t s = 0; s < memory.storages.size(); ++s)  // poison: NaN in every float type
        for (const ByteRange& range : complement(given[s], memory.storages[s].size()))
          std::fill(memory.storages[s].begin() + static_cast<std::ptrdiff_t>(range.begin),
                    memory.storages[s].begin() + static_cast<std::ptrdiff_t>(range.end), std::byte{0xff});
      const CallContents before = memory;
      REQUIRE(kernel.call(layout, memory) == 0);
      for (const ExpectedOutput& output : expected) {
        const Argument& argument = layout.arguments[output.argument];
        Tolerance tolerance;
        tolerance.max_rms_eta = 0.5;
        const std::byte* storage = memory.storages[argument.tensor.storage].data();
        const auto why = judge_output(argument.name, output, argument.tensor, storage, tolerance);
        CHECK_MESSAGE(!why.has_value(), why.value_or(""));
        CHECK_FALSE(AcceptedOutput(output, argument.tensor, tolerance).first_rejected(argument.tensor, storage));
      }
      CHECK_FALSE(task->reference->check_custom(view_of(layout, inputs), view_of(layout, memory)).has_value());
      for (std::size_t s = 0; s < memory.storages.size(); ++s)
        for (const ByteRange& range : complement(changeable[s], memory.storages[s].size()))
          CHECK(std::equal(memory.storages[s].begin() + static_cast<std::ptrdiff_t>(range.begin),
                           memory.storages[s].begin() + static_cast<std::ptrdiff_t>(range.end),
                           before.storages[s].begin() + static_cast<std::ptrdiff_t>(range.begin)));
    }
  }
}

}  // namespace
}  // namespace crucible
