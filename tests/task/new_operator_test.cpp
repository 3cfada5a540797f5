// Walks through adding an operator the way docs/tasks.md tells it: one task file in a directory of one's own, one
// reference.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "env/config_error.h"
#include "env/judge/checker.h"
#include "env/reference/arguments.h"
#include "env/reference/registry.h"
#include "env/task/element.h"
#include "env/task/task.h"

namespace crucible {
namespace {

const char* const kTask = R"(task: NAME
title: y = alpha · x + z
description: out[r, i] = alpha · x[r, i] + z[i]
entry_point: |
  extern "C" int NAME(DLTensor* out, const DLTensor* x, const DLTensor* z, double alpha, void* stream);
seed_kernel: NAME.seed.cpp
symmetry: permute_rows
row_arguments: [out, x]
rows: [R]
axes: [R, D]
arguments:
  - {name: out, access: output, shape: [R, D]}
  - {name: x, shape: [R, D], strided: true, values: activation}
  - {name: z, shape: [D], values: bias}
  - {name: alpha, kind: float64, value: 0.5}
workloads:
  - {name: common, axes: {R: 16, D: 256}, count: 10, families: [normal, outlier_channels]}
hidden:
  - {name: odd, axes: {R: 3, D: 37}, options: {layout: padded, offset: 1, alpha: -2}, families: [normal, one_hot]}
)";

class ScaleAdd final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    const std::vector<double> x = call.values("x"), z = call.values("z");
    ExpectedOutput out = call.expected("out");
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double scaled = call.real("alpha") * x[i], added = z[i % z.size()];
      out.value[i] = scaled + added;
      out.magnitude[i] = std::fabs(scaled) + std::fabs(added);
    }
    return {std::move(out)};
  }
};

/// A directory with the task called `name`; `more` is added to its file.
class TaskDirectory {
 public:
  TaskDirectory(const std::string& name, const std::string& more)
      : path_(std::filesystem::temp_directory_path() / ("crucible_" + name + "_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
    std::string text = kTask;
    for (std::size_t at; (at = text.find("NAME")) != std::string::npos;) text.replace(at, 4, name);
    std::ofstream(path_ / (name + ".yaml")) << text << more;
    std::ofstream(path_ / (name + ".seed.cpp")) << "extern \"C\" int " + name + "();\n";
  }
  ~TaskDirectory() { std::filesystem::remove_all(path_); }
  TaskDirectory(const TaskDirectory&) = delete;
  TaskDirectory& operator=(const TaskDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::vector<std::string> directories() const { return {path_.string(), CRUCIBLE_TASK_DIR}; }
  /// What is wrong with the task as it stands.
  std::string complaint(const std::string& name) const {
    try {
      find_task(name, directories());
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }

 private:
  std::filesystem::path path_;
};

/// An honest kernel in float passes every case of `task`, one that forgets alpha fails every one.
void check_task(const Task& task) {
  CHECK(task.cases.size() == 8);
  for (const Case& a_case : task.cases) {
    CAPTURE(a_case.workload->name);
    const CallLayout layout = task.generator->layout(*a_case.workload);
    CallContents contents = task.generator->fill(*a_case.workload, layout, a_case.family, {});
    const auto expected = task.reference->compute(view_of(layout, contents));
    REQUIRE(expected.size() == 1);
    const TensorLayout& out = layout.arguments[0].tensor;
    std::vector<std::byte>& memory = contents.storages[out.storage];
    const Arguments call(view_of(layout, contents));
    const std::vector<double> x = call.values("x"), z = call.values("z");
    for (const bool honest : {true, false}) {
      const auto factor = static_cast<float>(honest ? layout.arguments[3].real : 1.0);
      for (std::size_t i = 0; i < x.size(); ++i)
        store_element(out.dtype, memory.data() + out.byte_offset + i * size_of(out.dtype),
                      factor * static_cast<float>(x[i]) + static_cast<float>(z[i % z.size()]));
      CHECK(judge_output("out", expected[0], out, memory.data(), Tolerance{}).has_value() != honest);
    }
  }
}

TEST_CASE("a new operator is one file and one reference of the program's own") {
  const TaskDirectory mine("scale_add", "");
  CHECK(mine.complaint("scale_add").find("has no reference") != std::string::npos);
  register_reference("scale_add", std::make_shared<ScaleAdd>());
  CHECK_THROWS_AS(register_reference("scale_add", std::make_shared<ScaleAdd>()), std::invalid_argument);
  check_task(*find_task("scale_add", mine.directories()));
  CHECK(task_names(mine.directories()).size() == 11);
}

// The library that docs/tasks.md shows.
const char* const kLibrary = R"(#include <crucible/kernel.h>
#include <cmath>

static int evaluate(bool magnitude, DLTensor* out, const DLTensor* x, const DLTensor* z, double alpha) {
  for (int64_t r = 0; r < x->shape[0]; ++r)
    for (int64_t i = 0; i < x->shape[1]; ++i) {
      const int64_t at = r * x->shape[1] + i;
      const double scaled = alpha * static_cast<const double*>(x->data)[at];
      const double added = static_cast<const double*>(z->data)[i];
      static_cast<double*>(out->data)[at] = magnitude ? std::fabs(scaled) + std::fabs(added) : scaled + added;
    }
  return 0;
}

extern "C" int scale_lib_reference(DLTensor* out, const DLTensor* x, const DLTensor* z, double alpha, void*) {
  return evaluate(false, out, x, z, alpha);
}
extern "C" int scale_lib_magnitude(DLTensor* out, const DLTensor* x, const DLTensor* z, double alpha, void*) {
  return evaluate(true, out, x, z, alpha);
}
)";

TEST_CASE("a reference may be a library beside the task file") {
  const TaskDirectory mine("scale_lib", "reference: scale_lib.so\n");
  CHECK(mine.complaint("scale_lib").find("scale_lib.yaml:20: reference: cannot be loaded") != std::string::npos);
  const auto build = [&](const std::string& text) {
    std::ofstream(mine.path() / "scale_lib.cpp") << text;
    const std::string command = std::string(CRUCIBLE_COMPILER) + " -std=c++20 -O2 -shared -fPIC -include cstdint -I'" +
                                CRUCIBLE_KERNEL_INCLUDE + "' -o '" + (mine.path() / "scale_lib.so").string() + "' '" +
                                (mine.path() / "scale_lib.cpp").string() + "'";
    REQUIRE(std::system(command.c_str()) == 0);
  };
  build("extern \"C\" int scale_lib_refrence() { return 0; }\n");
  CHECK(mine.complaint("scale_lib").find("does not export 'scale_lib_reference' with C linkage") != std::string::npos);
  std::filesystem::remove(mine.path() / "scale_lib.so");
  build(kLibrary);
  const auto task = find_task("scale_lib", mine.directories());
  check_task(*task);
  const CallLayout layout = task->generator->layout(task->workloads[0]);
  const CallContents contents = task->generator->fill(task->workloads[0], layout, "normal", {});
  const ExpectedOutput by_library = task->reference->compute(view_of(layout, contents))[0];
  const ExpectedOutput by_program = ScaleAdd().compute(view_of(layout, contents))[0];
  CHECK(by_library.value == by_program.value);
  CHECK(by_library.magnitude == by_program.magnitude);
}

}  // namespace
}  // namespace crucible
