// The kernel that a task's prompt offers as a correct beginning is correct: compiled as a candidate would be, called
// with every case, judged by the strictest bar.
#include <doctest/doctest.h>

#include "tests/reference/loaded_kernel.h"

namespace crucible {
namespace {

TEST_CASE("every seed kernel passes every case and writes only its outputs") {
  for (const std::string& name : task_names({CRUCIBLE_TASK_DIR})) {
    const auto task = find_task(name, {CRUCIBLE_TASK_DIR});
    const LoadedText kernel(name, task->seed_kernel);
    for (const Case& a_case : task->cases) {
      const std::string why = JudgedCase(*task, a_case).judge(kernel.entry(name));
      CHECK_MESSAGE(why.empty(), name, " ", a_case.workload->name, " ", a_case.family, ": ", why);
    }
  }
}

}  // namespace
}  // namespace crucible
