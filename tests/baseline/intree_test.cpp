// The in-tree baseline serves every call of every task, on every instruction set that this processor has, as accurately
// as blocked sums in f32 allow.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "tests/baseline/plugin.h"

namespace crucible {
namespace {

/// The plug-in as a processor with no more than `isa` sees it. A copy, because a library is loaded once.
class Variant {
 public:
  explicit Variant(const char* isa) {
    const auto copy = std::filesystem::temp_directory_path() /
                      ("crucible_intree_" + std::string(isa) + "_" + std::to_string(getpid()) + ".so");
    std::filesystem::copy_file(std::string(CRUCIBLE_LIBEXEC_DIR) + "/baselines/intree.so", copy,
                               std::filesystem::copy_options::overwrite_existing);
    setenv("CRUCIBLE_INTREE_ISA", isa, 1);
    plugin_ = std::make_unique<Plugin>(copy.string());
    unsetenv("CRUCIBLE_INTREE_ISA");
    std::filesystem::remove(copy);
  }
  const Plugin& plugin() const { return *plugin_; }

 private:
  std::unique_ptr<Plugin> plugin_;
};

/// The largest η allowed. 16-bit results are held to 2, f32 results to what f32 arithmetic can keep: a constant row's
/// roundings all go one way, few lanes sum many products, and a weight's relative error grows with its score.
double allowed(const std::string& task, const Workload& workload) {
  if (workload.dtype != DType::f32) return 2.0;
  if (task == "paged_decode_attention") return 16.0;
  return task.starts_with("gemm") ? 6.0 : 3.0;
}

TEST_CASE("every variant of the in-tree baseline passes every case") {
  for (const char* isa : {"avx512bf16", "avx512", "avx2", "generic"}) {
    const Variant variant(isa);
    if (variant.plugin().text("crucible_baseline_version").find(std::string("(") + isa + ")") == std::string::npos) {
      MESSAGE("this processor or build has no variant ", isa);
      continue;
    }
    for (const std::string& name : task_names({CRUCIBLE_TASK_DIR})) {
      const auto task = find_task(name, {CRUCIBLE_TASK_DIR});
      if (std::find(task->backends.begin(), task->backends.end(), "cpu") == task->backends.end()) continue;
      const AnyKernel kernel = variant.plugin().entry(name);
      REQUIRE_MESSAGE((kernel != nullptr), name);
      for (const Case& a_case : task->cases) {
        // The older variants are the same source: their own widths show on the hidden, odd shapes.
        if (std::string(isa) != "avx512bf16" && !a_case.workload->hidden) continue;
        JudgedCase judged(*task, a_case);
        judged.set_tolerance({allowed(name, *a_case.workload), 0.5});
        const std::string why = judged.judge(kernel);
        CHECK_MESSAGE(why.empty(), describe(isa, name, a_case), ": ", why);
      }
    }
  }
}

}  // namespace
}  // namespace crucible
