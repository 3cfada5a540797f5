#pragma once

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "env/judge/checker.h"
#include "env/task/bytes.h"
#include "env/task/task.h"
#include "sandbox/compile/include/crucible/kernel.h"

namespace crucible {

/// On x86-64 and aarch64 integers and floating-point numbers go to registers of their own, so one type calls them all.
using AnyKernel = int (*)(std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                          std::int64_t, std::int64_t, std::int64_t, std::int64_t, double, double);

/// A kernel's text, compiled much as a candidate is and loaded into the test.
class LoadedText {
 public:
  LoadedText(const std::string& name, const std::string& text) {
    const std::string base =
        (std::filesystem::temp_directory_path() / ("crucible_kernel_" + std::to_string(getpid()) + "_" + name))
            .string();
    std::ofstream(base + ".cpp") << text;
    const std::string command = std::string(CRUCIBLE_COMPILER) + " -std=c++20 -O2 -fPIC -shared -Wall -Wextra -I'" +
                                CRUCIBLE_KERNEL_INCLUDE + "' -o '" + base + ".so' '" + base + ".cpp'";
    const bool compiled = std::system(command.c_str()) == 0;
    if (compiled) handle_ = dlopen((base + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
    std::filesystem::remove(base + ".cpp");
    std::filesystem::remove(base + ".so");
    if (handle_ == nullptr) throw std::runtime_error(name + " does not compile or load");
  }
  ~LoadedText() { dlclose(handle_); }
  LoadedText(const LoadedText&) = delete;
  LoadedText& operator=(const LoadedText&) = delete;

  AnyKernel entry(const std::string& name) const {
    const auto found = reinterpret_cast<AnyKernel>(dlsym(handle_, name.c_str()));
    if (found == nullptr) throw std::runtime_error(name + " is not exported");
    return found;
  }

 private:
  void* handle_ = nullptr;
};

/// One case with its inputs and expectations, ready to judge kernels.
class JudgedCase {
 public:
  JudgedCase(const Task& task, const Case& a_case)
      : reference_(*task.reference), layout_(task.generator->layout(*a_case.workload)) {
    std::array<std::uint8_t, 32> key{};
    key[1] = 42;
    inputs_ = task.generator->fill(*a_case.workload, layout_, a_case.family, key);
    expected_ = reference_.compute(view_of(layout_, inputs_));
  }

  /// Takes `kernel` for the baseline that sets the bar: η ≤ max(2, 2·η_b), RMS ≤ 1.15 times its own.
  void set_bar(AnyKernel kernel) {
    bar_.assign(expected_.size(), Tolerance{});
    measuring_ = true;
    judge(kernel);
    measuring_ = false;
  }

  /// The same bar for every output.
  void set_tolerance(const Tolerance& tolerance) { bar_.assign(expected_.size(), tolerance); }

  /// Why `kernel` fails the case; empty when it passes. Without a bar: η ≤ 2 and RMS ≤ 0.5, correct rounding.
  std::string judge(AnyKernel kernel) {
    // Red zones on both sides; poison (NaN in every float type) wherever nothing is given.
    std::vector<std::vector<std::byte>> memory;
    const std::vector<ByteRanges> given = given_bytes(layout_), changeable = changeable_bytes(layout_);
    for (std::size_t s = 0; s < layout_.storages.size(); ++s) {
      memory.emplace_back(layout_.storages[s].bytes + 2 * kRedZone, std::byte{0xff});
      for (const ByteRange& range : given[s])
        std::copy(inputs_.storages[s].begin() + static_cast<std::ptrdiff_t>(range.begin),
                  inputs_.storages[s].begin() + static_cast<std::ptrdiff_t>(range.end),
                  memory[s].begin() + static_cast<std::ptrdiff_t>(kRedZone + range.begin));
    }
    const std::vector<std::vector<std::byte>> before = memory;
    if (const int code = call(kernel, memory); code != 0) return "returned " + std::to_string(code);
    CallView after;
    after.layout = &layout_;
    for (const auto& storage : memory) after.base.push_back(storage.data() + kRedZone);
    for (std::size_t i = 0; i < expected_.size(); ++i) {
      const ExpectedOutput& output = expected_[i];
      const Argument& argument = layout_.arguments[output.argument];
      if (output.custom) continue;
      if (measuring_) {
        const OutputError error = measure_error(output, argument.tensor, after.base[argument.tensor.storage]);
        bar_[i] = {std::max(2.0, 2 * error.eta), 1.15 * error.rms_eta};
        continue;
      }
      const Tolerance tolerance = bar_.empty() ? Tolerance{2.0, 0.5} : bar_[i];
      if (auto why =
              judge_output(argument.name, output, argument.tensor, after.base[argument.tensor.storage], tolerance))
        return *why;
    }
    if (auto why = reference_.check_custom(view_of(layout_, inputs_), after)) return *why;
    for (std::size_t s = 0; s < memory.size(); ++s) {
      ByteRanges shifted = changeable[s];
      for (ByteRange& range : shifted) range = {range.begin + kRedZone, range.end + kRedZone};
      for (const ByteRange& range : complement(shifted, memory[s].size()))
        if (!std::equal(memory[s].begin() + static_cast<std::ptrdiff_t>(range.begin),
                        memory[s].begin() + static_cast<std::ptrdiff_t>(range.end),
                        before[s].begin() + static_cast<std::ptrdiff_t>(range.begin)))
          return "stray write";
    }
    return "";
  }

 private:
  static constexpr std::size_t kRedZone = 4096;

  int call(AnyKernel kernel, std::vector<std::vector<std::byte>>& memory) {
    std::vector<DLTensor> tensors(layout_.arguments.size());
    std::vector<std::int64_t> integers;
    std::vector<double> reals;
    for (std::size_t i = 0; i < layout_.arguments.size(); ++i) {
      Argument& argument = layout_.arguments[i];
      if (argument.kind == Argument::Kind::tensor) {
        TensorLayout& from = argument.tensor;
        DLTensor& to = tensors[i];
        to.data = memory[from.storage].data() + kRedZone;
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
    return kernel(integers[0], integers[1], integers[2], integers[3], integers[4], integers[5], integers[6],
                  integers[7], integers[8], integers[9], reals[0], reals[1]);
  }

  const Reference& reference_;
  CallLayout layout_;
  CallContents inputs_;
  std::vector<ExpectedOutput> expected_;
  std::vector<Tolerance> bar_;
  bool measuring_ = false;
};

}  // namespace crucible
