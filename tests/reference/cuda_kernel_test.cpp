// The plain CUDA kernels of the tasks, and the baselines of those that GPUs alone have, on the host: what they compute
// and which bytes they touch, case by case, by the strictest bar.
#include <doctest/doctest.h>

#include <regex>
#include <sstream>

#include "tests/reference/loaded_kernel.h"

namespace crucible {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  REQUIRE_MESSAGE(in.good(), path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// A CUDA text as C++ for host_cuda.h.
std::string on_host(std::string text) {
  const std::string root = CRUCIBLE_SOURCE_DIR;
  text = std::regex_replace(text, std::regex("#include \"rows.cuh\""),
                            "#include \"" + root + "/env/baseline/cuda/rows.cuh\"");
  std::string out = "#include \"" + root + "/tests/reference/host_cuda.h\"\n";
  // Headers in place, so that what follows reaches into them.
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("rows.cuh\"") != std::string::npos) {
      out += std::regex_replace(text_of(root + "/env/baseline/cuda/rows.cuh"), std::regex("#pragma once"), "") + "\n";
    } else {
      out += line + "\n";
    }
  }
  out = std::regex_replace(out, std::regex("#include <(cuda|cooperative)[^>]*>"), "");
  out = std::regex_replace(out, std::regex("asm volatile\\(\"griddepcontrol[^)]*\\);"), "");
  // kernel<<<grid, block, shared, stream>>>(…) → crucible_launch(kernel, grid, block, shared, stream)(…)
  out = std::regex_replace(out, std::regex("(\\w+(?:<[\\w, ]+>)?)<<<"), "crucible_launch($1, ");
  return std::regex_replace(out, std::regex(">>>\\("), ")(");
}

std::size_t elements(const CallLayout& layout) {
  std::size_t bytes = 0;
  for (const StorageLayout& s : layout.storages) bytes += s.bytes;
  return bytes;
}

/// Why `text` fails a hidden case of its task, for every case up to `most_bytes`; empty when none.
std::string failures(const std::string& name, const std::string& text, std::size_t most_bytes) {
  const std::string folder = CRUCIBLE_TASK_DIR;
  const auto task = find_task(name, {folder + "/cuda", folder}, "cuda");
  const LoadedText kernel(name, on_host(text));
  std::string all;
  std::size_t judged = 0;
  for (const Case& each : task->cases) {
    if (!each.workload->hidden || elements(task->generator->layout(*each.workload)) > most_bytes) continue;
    JudgedCase judged_case(*task, each);
    judged_case.set_tolerance({2.5, std::nullopt});
    ++judged;
    if (const std::string why = judged_case.judge(kernel.entry(name)); !why.empty())
      all += each.workload->name + " " + each.family + ": " + why + "\n";
  }
  CHECK(judged >= 4);
  return all;
}

constexpr std::size_t kMostBytes = 12 << 10;  // of a case: fibers are slow

TEST_CASE("plain CUDA kernels are right on the host") {
  const std::string folder = CRUCIBLE_TASK_DIR;
  for (const std::string name : {"embedding", "gemm", "gemm_gelu", "layer_norm", "merge_attn_states",
                                 "moe_align_block_size", "moe_sum", "per_token_group_quant_fp8", "rms_norm"}) {
    CAPTURE(name);
    CHECK(failures(name, find_task(name, {folder + "/cuda", folder}, "cuda")->seed_kernel, kMostBytes) == "");
  }
}

struct Baseline {
  const char* task;
  const char* file;
};

TEST_CASE("baselines of our own are right on the host") {
  for (const Baseline& each : {Baseline{"moe_sum", "serving"}, Baseline{"per_token_group_quant_fp8", "quantization"},
                               Baseline{"moe_align_block_size", "alignment"}, Baseline{"rotary_embedding", "rotary"},
                               Baseline{"gemm", "gemm"}}) {
    CAPTURE(each.task);
    const std::string text = text_of(std::string(CRUCIBLE_SOURCE_DIR) + "/env/baseline/cuda/" + each.file + ".cu");
    CHECK(failures(each.task, text, kMostBytes) == "");
  }
}

}  // namespace
}  // namespace crucible
