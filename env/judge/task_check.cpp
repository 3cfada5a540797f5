#include "env/judge/task_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "env/judge/bars.h"
#include "env/judge/symmetry.h"
#include "env/judge/verify.h"

namespace crucible {
namespace {

/// The expected outputs as comparable numbers; exact ones as their bytes.
bool same_expectation(const std::vector<ExpectedOutput>& a, const std::vector<ExpectedOutput>& b) {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i].bytes != b[i].bytes) return false;
    for (std::size_t k = 0; k < a[i].value.size() && k < b[i].value.size(); ++k) {
      const double x = a[i].value[k], y = b[i].value[k];
      if (std::isnan(x) != std::isnan(y)) return false;
      if (!std::isnan(x) && x != y) return false;
    }
  }
  return true;
}

/// Whether changing argument `index` changes the expectation of this entry.
bool matters_here(const PoolCase& pool_case, const PoolEntry& entry, const PoolEntry& other, std::size_t index) {
  CallLayout layout = pool_case.layout;
  CallContents contents = entry.contents;
  Argument& argument = layout.arguments[index];
  switch (argument.kind) {
    case Argument::Kind::absent_tensor:
      return false;
    case Argument::Kind::float64:
      argument.real = argument.real * 3 + 0.5;
      break;
    case Argument::Kind::int32:
    case Argument::Kind::int64:
      if (argument.integer != 0 && argument.integer != 1) return false;  // a size: other values change the shapes
      argument.integer = 1 - argument.integer;
      break;
    case Argument::Kind::tensor:
      if (argument.tensor.access == Access::output) return true;
      for_each_run(argument.tensor, [&](std::size_t offset, std::size_t bytes) {
        const std::size_t s = argument.tensor.storage;
        std::memcpy(contents.storages[s].data() + offset, other.contents.storages[s].data() + offset, bytes);
      });
      break;
  }
  const std::vector<ExpectedOutput> changed = pool_case.reference->compute(view_of(layout, contents));
  if (!same_expectation(entry.expected, changed)) return true;
  // Custom outputs: the changed call's truth must be wrong for the unchanged call, which check_custom decides.
  const bool custom = std::any_of(changed.begin(), changed.end(), [](const ExpectedOutput& e) { return e.custom; });
  if (!custom) return false;
  CallContents outputs = other.contents;
  for (const ExpectedOutput& expected : changed) {
    const TensorLayout& tensor = layout.arguments[expected.argument].tensor;
    if (expected.bytes.empty()) continue;
    std::size_t at = 0;
    for_each_run(tensor, [&](std::size_t offset, std::size_t bytes) {
      std::memcpy(outputs.storages[tensor.storage].data() + offset, expected.bytes.data() + at, bytes);
      at += bytes;
    });
  }
  return pool_case.reference
      ->check_custom(view_of(pool_case.layout, entry.contents), view_of(pool_case.layout, outputs))
      .has_value();
}

bool structural_integer(const Argument& argument) {
  return (argument.kind == Argument::Kind::int32 || argument.kind == Argument::Kind::int64) && argument.integer != 0 &&
         argument.integer != 1;
}

void check_arguments(const PreparedTask& prepared, std::vector<TaskProblem>& problems) {
  std::set<std::string> mattering, seen, structural;
  for (const CheckedCase& checked : prepared.cases) {
    const PoolCase& pool_case = *checked.pool_case;
    if (pool_case.entries.size() < 2 || pool_case.empty) continue;
    for (std::size_t a = 0; a < pool_case.layout.arguments.size(); ++a) {
      const Argument& argument = pool_case.layout.arguments[a];
      if (argument.kind == Argument::Kind::absent_tensor) continue;
      seen.insert(argument.name);
      if (structural_integer(argument)) structural.insert(argument.name);
      if (mattering.contains(argument.name)) continue;
      if (matters_here(pool_case, pool_case.entries[0], pool_case.entries[1], a)) mattering.insert(argument.name);
    }
  }
  const std::vector<std::string>& hints = prepared.task->hints;
  for (const std::string& name : seen) {
    if (mattering.contains(name) || structural.contains(name)) continue;
    if (std::find(hints.begin(), hints.end(), name) != hints.end()) continue;
    problems.push_back(
        {true, "arguments." + name,
         "changing it changes no output in any case: add a case where it matters, or declare it a hint"});
  }
}

void check_values(const PreparedTask& prepared, std::vector<TaskProblem>& problems) {
  std::size_t informative = 0;
  for (const CheckedCase& checked : prepared.cases) {
    const PoolCase& pool_case = *checked.pool_case;
    if (pool_case.empty) continue;
    bool constant = true;
    for (const ExpectedOutput& expected : pool_case.entries[0].expected) {
      if (expected.custom || expected.exact) constant = false;
      for (double value : expected.value) constant = constant && (value == expected.value.front() || std::isnan(value));
    }
    if (!constant) {
      ++informative;
      continue;
    }
    if (pool_case.counted)
      problems.push_back({false, case_key(pool_case), "its reference is constant; it tells little about a kernel"});
  }
  if (informative == 0)
    problems.push_back({true, "cases", "every reference is constant, zero or empty: no case tells kernels apart"});
}

void check_families(const PreparedTask& prepared, std::vector<TaskProblem>& problems) {
  std::set<std::string> counted, all;
  for (const CheckedCase& checked : prepared.cases) {
    const PoolCase& pool_case = *checked.pool_case;
    all.insert(pool_case.family);
    if (pool_case.counted && !pool_case.empty) counted.insert(pool_case.family);
  }
  if (counted.empty())
    problems.push_back({true, "cases", "a trivial program (no-op, zeros, ones, mean or a copy) passes every case"});
  for (const std::string& family : all)
    if (!counted.contains(family))
      problems.push_back({false, "family " + family,
                          "trivial programs pass all of its cases, or all are empty; it is not counted in q"});
}

}  // namespace

std::vector<TaskProblem> check_references(const PreparedTask& prepared) {
  std::vector<TaskProblem> problems;
  check_families(prepared, problems);
  check_values(prepared, problems);
  check_arguments(prepared, problems);
  for (const std::string& removed : prepared.removed)
    problems.push_back({false, removed.substr(0, removed.find(": ")), removed.substr(removed.find(": ") + 2)});
  return problems;
}

}  // namespace crucible
