#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "env/config_error.h"
#include "env/task/task.h"

namespace crucible {
namespace {

const char* const kTask = R"(task: softmax
title: A title
description: words
entry_point: |
  extern "C" int softmax(DLTensor* out, const DLTensor* input, void* stream);
seed_kernel: |
  // a kernel
  extern "C" int softmax() { return 0; }
symmetry: permute_rows
row_arguments: [out, input]
rows: [(rows)]
axes: [rows, D]
arguments:
  - {name: out, access: output, shape: [(rows), D]}
  - {name: input, shape: [(rows), D], strided: true, values: {rule: activation, large: 60}}
workloads:
  - {name: small, axes: {rows: 3, D: 8}, families: [normal, one_hot]}
hidden:
  - {name: odd, dtype: f32, axes: {D: 7}, options: {offset: 1}}
sequences: [small/f32]
)";

/// Loads kTask with `from` replaced by `to`.
std::shared_ptr<const Task> load_with(const std::string& from, const std::string& to) {
  std::string text = kTask;
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "crucible_loader_test.yaml";
  std::ofstream(path) << text;
  return load_task(path.string());
}

/// The complaint about that change, without the folder.
std::string complaint(const std::string& from, const std::string& to) {
  try {
    load_with(from, to);
  } catch (const ConfigError& error) {
    const std::string what = error.what();
    return what.substr(what.find("crucible_loader_test.yaml"));
  }
  return "no complaint";
}

TEST_CASE("a task file becomes workloads and cases") {
  const auto task = load_with("A title", "Another title");
  CHECK(task->title == "Another title");
  REQUIRE(task->workloads.size() == 3);
  CHECK(task->workloads[0].name == "small/f32");
  CHECK(task->workloads[1].name == "small/bf16");
  CHECK(task->workloads[0].rows == 3);
  CHECK(task->workloads[2].rows == 1);
  CHECK(task->workloads[2].hidden);
  CHECK_FALSE(task->workloads[2].timed);
  CHECK(task->workloads[2].options.at("offset") == "1");
  REQUIRE(task->cases.size() == 5);
  CHECK(task->cases[1].family == "one_hot");
  CHECK(task->cases[4].workload == &task->workloads[2]);
  CHECK(task->cases[4].family == "normal");
  REQUIRE(task->sequences.size() == 1);
  CHECK(task->sequences[0].workload == &task->workloads[0]);
  CHECK(task->backends == std::vector<std::string>{"cpu"});
  CHECK(task->symmetry == Symmetry::permute_rows);
}

TEST_CASE("mistakes are named with file, line, key and a way out") {
  const std::string file = "crucible_loader_test.yaml";
  CHECK(complaint("title:", "titel:") == file + ":2: titel: unknown key; did you mean 'title'?");
  CHECK(complaint("title: A title\n", "") == file + ":1: title: missing; add it");
  CHECK(complaint("symmetry: permute_rows", "symmetry: permute") ==
        file + ":9: symmetry: no symmetry is called 'permute'; known: none, permute_rows, permute_rows_and_negate");
  CHECK(complaint("rule: activation", "rule: activaton") ==
        file + ":15: arguments[1].values: no value rule is called 'activaton'; did you mean 'activation'?");
  CHECK(complaint("large: 60", "larg: 60") ==
        file + ":15: arguments[1].values: no parameter of 'activation' is called 'larg'; did you mean 'large'?");
  CHECK(complaint("{rule: activation, large: 60}", "opposite") ==
        file + ":14: arguments: input: the rule 'opposite' needs the parameter 'of', the name of a tensor");
  CHECK(complaint("{rule: activation, large: 60}", "{rule: opposite, of: inputs}") ==
        file + ":14: arguments: no argument is called 'inputs'; did you mean 'input'?");
  CHECK(complaint("one_hot]", "onehot]") ==
        file + ":17: workloads[0].families: no family is called 'onehot'; did you mean 'one_hot'?");
  CHECK(complaint("axes: {rows: 3, D: 8}", "axes: {rows: 3, d: 8}") ==
        file + ":17: workloads[0].axes.d: unknown key; did you mean 'D'?");
  CHECK(complaint("axes: {rows: 3, D: 8}", "axes: {rows: 3, D: many}") ==
        file + ":17: workloads[0].axes.D: must be a whole number, not 'many'");
  CHECK(complaint("axes: {rows: 3, D: 8}", "axes: {rows: 3, D: -1}") ==
        file + ":17: workloads[0].axes.D: must be at least 0 and fit int32");
  CHECK(complaint("axes: {rows: 3, D: 8}", "axes: {rows: 3}") ==
        file + ":17: small/f32: workload 'small/f32' has no axis 'D'");
  CHECK(complaint("dtype: f32", "dtype: fp32") ==
        file + ":19: hidden[0].dtype: no dtype is called 'fp32'; did you mean 'f32'?");
  CHECK(complaint("offset: 1", "ofset: 1") ==
        file + ":19: hidden[0].options.ofset: unknown key; did you mean 'offset'?");
  CHECK(complaint("offset: 1", "layout: sliced") ==
        file + ":19: hidden[0].options.layout: no layout is called 'sliced'; did you mean 'slice'?");
  CHECK(complaint("offset: 1", "absent: input") ==
        file + ":19: hidden[0].options.absent: no optional argument is called 'input'");
  CHECK(complaint("[small/f32]", "[smal/f32]") ==
        file + ":20: sequences: no workload is called 'smal/f32'; did you mean 'small/f32'?");
  CHECK(complaint("name: odd", "name: small") == file + ":19: hidden[0].name: 'small/f32' is taken; names are unique");
  CHECK(complaint("int softmax(D", "int soft(D") ==
        file + ":4: entry_point: must declare a function called 'softmax', as the task");
  CHECK(complaint("task: softmax", "task: hardmax").starts_with(file + ":4: entry_point"));
  CHECK(complaint("[(rows), D], strided", "[(row), D], strided") ==
        file + ":15: arguments[1].shape: no axis is called 'row'; did you mean 'rows'?");
  CHECK(complaint("rows: [(rows)]\n", "") ==
        file +
            ":9: symmetry: needs row_arguments, the tensors whose rows are permuted together, and rows, their number");
  CHECK(complaint("strided: true", "strided: maybe") == file + ":15: arguments[1].strided: must be true or false");
  CHECK(complaint("title: A title", "title: A title\ntitle: B").find("given twice") != std::string::npos);
  CHECK(complaint("title: A title", "title: [A title").starts_with(file + ":"));
  CHECK(complaint("- {name: small", "- {count: 0, name: small") ==
        file + ":17: workloads[0].count: must be a positive number");
  CHECK(
      complaint("seed_kernel: |\n  // a kernel\n  extern \"C\" int softmax() { return 0; }", "seed_kernel: nowhere.cpp")
          .find("cannot read") != std::string::npos);
}

TEST_CASE("a backend that the task lacks is refused") {
  const auto path = std::filesystem::temp_directory_path() / "crucible_loader_test.yaml";
  std::ofstream(path) << kTask;
  CHECK_THROWS_WITH_AS(
      load_task(path.string(), "cuda"),
      (path.string() + ":1: backends: the task has no backend 'cuda'; add it, or choose another one").c_str(),
      ConfigError);
  CHECK(load_task(path.string(), "cpu")->workloads.size() == 3);
}

TEST_CASE("a file that cannot be read says so") {
  CHECK_THROWS_WITH_AS(load_task("/no/such/task.yaml"),
                       "/no/such/task.yaml: cannot be read; check the path and its permissions", ConfigError);
}

}  // namespace
}  // namespace crucible
