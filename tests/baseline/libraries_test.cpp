// Production libraries behind the candidates' contract: whatever they serve is right, or the deviation is the library's
// own and is named here.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "env/baseline/registry.h"
#include "tests/baseline/plugin.h"

namespace crucible {
namespace {

/// Where a library itself leaves the contract: (plug-in, task, family).
const std::set<std::array<std::string, 3>>& known_deviations() {
  static const std::set<std::array<std::string, 3>> all = {
      {"onednn", "softmax", "special_values"},  // its exp takes NaN for a number
      {"onednn", "softmax", "one_hot"},         // thousands of equal terms in one running f32 sum
  };
  return all;
}

/// A baseline beyond η 16 is not admitted to a case (DESIGN.md).
constexpr double kAdmitted = 16.0;

TEST_CASE("what a library serves is right") {
  for (const BaselinePlugin& library : baseline_plugins(CRUCIBLE_LIBEXEC_DIR)) {
    if (library.name == "intree") continue;
    const Plugin plugin(library.path);
    for (const std::string& name : task_names({CRUCIBLE_TASK_DIR})) {
      const AnyKernel kernel = plugin.entry(name);
      const auto task = find_task(name, {CRUCIBLE_TASK_DIR});
      if (kernel == nullptr || std::find(task->backends.begin(), task->backends.end(), "cpu") == task->backends.end())
        continue;
      std::map<std::string, int> served;
      for (const Case& a_case : task->cases) {
        JudgedCase judged(*task, a_case);
        judged.set_tolerance({kAdmitted, {}});
        const std::string why = judged.judge(kernel);
        if (why.starts_with("returned ")) continue;  // not a baseline for this call
        ++served[std::string(to_string(a_case.workload->dtype))];
        if (known_deviations().contains({library.name, name, a_case.family})) continue;
        CHECK_MESSAGE(why.empty(), describe(library.name, name, a_case), ": ", why);
      }
      CHECK_MESSAGE(!served.empty(), library.name, " exports ", name, " and serves no case");
    }
  }
}

}  // namespace
}  // namespace crucible
