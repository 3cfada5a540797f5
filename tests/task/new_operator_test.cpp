// Walks through adding an operator the way docs/tasks.md tells it: one task file in a directory of one's own, one
// reference.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
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

const char* const kTask = R"(task: scale_add
title: y = alpha · x + z
description: out[r, i] = alpha · x[r, i] + z[i]
entry_point: |
  extern "C" int scale_add(DLTensor* out, const DLTensor* x, const DLTensor* z, double alpha, void* stream);
seed_kernel: scale_add.seed.cpp
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

TEST_CASE("a new operator is one file and one reference") {
  const std::filesystem::path mine = std::filesystem::temp_directory_path() / "crucible_new_operator";
  std::filesystem::create_directories(mine);
  std::ofstream(mine / "scale_add.yaml") << kTask;
  std::ofstream(mine / "scale_add.seed.cpp") << "extern \"C\" int scale_add();\n";
  const std::vector<std::string> directories{mine.string(), CRUCIBLE_TASK_DIR};

  // Without its reference the task is refused, and the message says what is missing.
  try {
    find_task("scale_add", directories);
    FAIL("loaded without a reference");
  } catch (const ConfigError& error) {
    CHECK(std::string(error.what()).find("has no reference") != std::string::npos);
  }

  register_reference("scale_add", std::make_shared<ScaleAdd>());
  CHECK_THROWS_AS(register_reference("scale_add", std::make_shared<ScaleAdd>()), std::invalid_argument);
  const auto task = find_task("scale_add", directories);
  CHECK(task->cases.size() == 8);

  for (const Case& a_case : task->cases) {
    CAPTURE(a_case.workload->name);
    const CallLayout layout = task->generator->layout(*a_case.workload);
    CallContents contents = task->generator->fill(*a_case.workload, layout, a_case.family, {});
    const auto expected = task->reference->compute(view_of(layout, contents));
    const TensorLayout& out = layout.arguments[0].tensor;
    std::vector<std::byte>& memory = contents.storages[out.storage];
    // An honest kernel in float passes, one that forgets alpha does not.
    for (const bool honest : {true, false}) {
      const Arguments call(view_of(layout, contents));
      const std::vector<double> x = call.values("x"), z = call.values("z");
      for (std::size_t i = 0; i < x.size(); ++i) {
        const auto factor = static_cast<float>(honest ? layout.arguments[3].real : 1.0);
        store_element(out.dtype, memory.data() + out.byte_offset + i * size_of(out.dtype),
                      factor * static_cast<float>(x[i]) + static_cast<float>(z[i % z.size()]));
      }
      const auto why = judge_output("out", expected[0], out, memory.data(), Tolerance{});
      CHECK(why.has_value() != honest);
    }
  }
  std::filesystem::remove_all(mine);
}

}  // namespace
}  // namespace crucible
