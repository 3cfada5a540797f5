#pragma once

#include <string>
#include <vector>

namespace crucible {

/// A wrong kernel: a seed kernel in which the `occurrence`-th `from` is replaced by `to`.
struct Mutant {
  std::string task;
  std::string what;
  std::string from;
  std::string to;
  int occurrence = 1;
};

/// Mistakes that real kernels make, over all tasks.
const std::vector<Mutant>& mutants();

}  // namespace crucible
