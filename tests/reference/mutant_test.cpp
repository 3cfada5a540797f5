// Every wrong kernel is refused by at least one case of its task: the cases see strides, offsets, tails, options,
// special values, precision and long sums.
#include <doctest/doctest.h>

#include <map>
#include <sstream>

#include "tests/reference/loaded_kernel.h"
#include "tests/reference/mutants.h"

namespace crucible {
namespace {

std::string mutated(std::string text, const Mutant& mutant) {
  std::size_t at = std::string::npos;
  for (int i = 0; i < mutant.occurrence; ++i) {
    at = text.find(mutant.from, at == std::string::npos ? 0 : at + 1);
    if (at == std::string::npos) throw std::runtime_error(mutant.task + ": no '" + mutant.from + "' to mutate");
  }
  return text.replace(at, mutant.from.size(), mutant.to);
}

/// All mutants of a task in one translation unit, each in a namespace and under a name of its own.
std::string in_one_file(const Task& task, const std::vector<const Mutant*>& mutants) {
  std::string includes, bodies;
  for (std::size_t i = 0; i < mutants.size(); ++i) {
    std::istringstream lines(mutated(task.seed_kernel, *mutants[i]));
    bodies += "namespace m" + std::to_string(i) + " {\n";
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("#include")) {
        if (i == 0) includes += line + "\n";
        continue;
      }
      const std::string entry = " " + task.name + "(";
      if (line.starts_with("extern \"C\"") && line.find(entry) != std::string::npos)
        line.replace(line.find(entry), entry.size(), " m" + std::to_string(i) + "_" + task.name + "(");
      bodies += line + "\n";
    }
    bodies += "}\n";
  }
  return "#pragma GCC diagnostic ignored \"-Wunused-variable\"\n#pragma GCC diagnostic ignored "
         "\"-Wunused-parameter\"\n" +
         includes + bodies;
}

TEST_CASE("every mutant is refused") {
  std::map<std::string, std::vector<const Mutant*>> by_task;
  for (const Mutant& mutant : mutants()) by_task[mutant.task].push_back(&mutant);
  CHECK(by_task.size() == 10);
  std::size_t refused = 0, survived = 0;
  for (const auto& [name, list] : by_task) {
    const auto task = find_task(name, {CRUCIBLE_TASK_DIR});
    const LoadedText seed(name + "_seed", task->seed_kernel);
    const LoadedText kernels(name + "_mutants", in_one_file(*task, list));
    std::vector<bool> dead(list.size(), false);
    for (const Case& a_case : task->cases) {
      JudgedCase judged(*task, a_case);
      judged.set_bar(seed.entry(name));
      for (std::size_t i = 0; i < list.size(); ++i)
        if (!dead[i]) dead[i] = !judged.judge(kernels.entry("m" + std::to_string(i) + "_" + name)).empty();
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
      CHECK_MESSAGE(dead[i], name, " survives: ", list[i]->what);
      ++(dead[i] ? refused : survived);
    }
  }
  MESSAGE(refused, " mutants refused, ", survived, " survive");
}

}  // namespace
}  // namespace crucible
