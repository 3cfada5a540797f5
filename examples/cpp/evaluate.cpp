// Evaluates a kernel from C++: reads a file, or takes the task's own slow kernel. Prints what a model would be told.
#include <fstream>
#include <iostream>
#include <iterator>

#include "env/environment.h"

int main(int argc, char** argv) {
  crucible::EvaluatorOptions options;
  options.backend = "cpu";
  auto evaluator = std::make_shared<crucible::Evaluator>(options);
  crucible::Environment environment(evaluator, argc > 1 ? argv[1] : "rms_norm");
  std::cout << environment.reset(/*seed=*/0) << "\n";

  std::string source = environment.task().seed_kernel;
  if (argc > 2) {
    std::ifstream file(argv[2], std::ios::binary);
    source.assign(std::istreambuf_iterator<char>(file), {});
  }
  const crucible::StepResult result = environment.step(source);
  std::cout << result.observation << "reward " << result.reward << "\n";
}
