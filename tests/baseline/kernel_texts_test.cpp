// Every kernel that the repository holds out as right is right: known optimizations, honest kernels that look
// suspicious, demonstration kernels. Compiled as candidates are; minutes of compiling, so it runs with the soak tests.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>

#include "tests/baseline/plugin.h"

namespace crucible {
namespace {

struct KernelText {
  std::filesystem::path file;
  std::string task;
  std::string library;  ///< where it is compiled to
};

std::vector<KernelText> all_texts() {
  const std::filesystem::path root = CRUCIBLE_SOURCE_DIR;
  std::vector<std::string> tasks = task_names({CRUCIBLE_TASK_DIR});
  // Longest first: gemm_gelu_x belongs to gemm_gelu, not to gemm.
  std::sort(tasks.begin(), tasks.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  std::vector<KernelText> texts;
  const auto add = [&](const std::filesystem::path& file, const std::string& task) {
    const std::string library = (std::filesystem::temp_directory_path() /
                                 ("crucible_text_" + std::to_string(getpid()) + "_" + std::to_string(texts.size())))
                                    .string() +
                                ".so";
    texts.push_back({file, task, library});
  };
  for (const std::string& task : tasks) {
    for (const char* folder : {"configs/known_optimizations", "examples/kernels"}) {
      if (!std::filesystem::exists(root / folder / task)) continue;
      for (const auto& entry : std::filesystem::directory_iterator(root / folder / task)) {
        const std::string kind = entry.path().stem().string();
        if (entry.path().extension() != ".cpp" || kind == "wrong" || kind == "no_compile" || kind == "cheat") continue;
        add(entry.path(), task);
      }
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(root / "tests/benign/cpu")) {
    const std::string stem = entry.path().stem().string();
    const auto task =
        std::find_if(tasks.begin(), tasks.end(), [&](const auto& t) { return stem.starts_with(t + "_"); });
    REQUIRE_MESSAGE(task != tasks.end(), stem, " names no task");
    add(entry.path(), *task);
  }
  return texts;
}

bool compile(const KernelText& text) {
  const std::string command =
      std::string("'" CRUCIBLE_COMPILER "' -std=c++20 -O3 -march=native -fopenmp -fPIC -shared ") +
      "-I'" CRUCIBLE_KERNEL_INCLUDE "' -o '" + text.library + "' '" + text.file.string() + "'";
  return std::system(command.c_str()) == 0;
}

TEST_CASE("every kernel text passes every case of its task") {
  const std::vector<KernelText> texts = all_texts();
  CHECK(texts.size() >= 90);
  std::vector<char> compiled(texts.size(), 0);
  std::vector<std::thread> workers;
  const unsigned count = std::max(1u, std::min(4u, std::thread::hardware_concurrency()));
  for (unsigned w = 0; w < count; ++w)
    workers.emplace_back([&, w] {
      for (std::size_t i = w; i < texts.size(); i += count) compiled[i] = compile(texts[i]);
    });
  for (std::thread& worker : workers) worker.join();
  for (const std::string& name : task_names({CRUCIBLE_TASK_DIR})) {
    const auto task = find_task(name, {CRUCIBLE_TASK_DIR});
    for (const Case& a_case : task->cases) {
      if (std::none_of(texts.begin(), texts.end(), [&](const auto& text) { return text.task == name; })) continue;
      JudgedCase judged(*task, a_case);
      // f32 within what production baselines reach: a softmax weight's error grows with its score.
      const double f32_bar = name == "paged_decode_attention" ? 24.0 : 8.0;
      judged.set_tolerance({a_case.workload->dtype == DType::f32 ? f32_bar : 2.0, 0.5});
      for (std::size_t i = 0; i < texts.size(); ++i) {
        if (texts[i].task != name) continue;
        REQUIRE_MESSAGE(compiled[i], texts[i].file.string(), " does not compile");
        static std::map<std::string, std::unique_ptr<Plugin>> loaded;  // never unloaded: some keep sleeping threads
        auto& plugin = loaded[texts[i].library];
        if (plugin == nullptr) plugin = std::make_unique<Plugin>(texts[i].library);
        const AnyKernel kernel = plugin->entry(name);
        REQUIRE_MESSAGE((kernel != nullptr), texts[i].file.string());
        const std::string why = judged.judge(kernel);
        CHECK_MESSAGE(why.empty(), describe(texts[i].file.string(), name, a_case), ": ", why);
      }
    }
  }
  for (const KernelText& text : texts) std::filesystem::remove(text.library);
}

}  // namespace
}  // namespace crucible
