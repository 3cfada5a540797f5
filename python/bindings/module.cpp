#include "python/bindings/bindings.h"

PYBIND11_MODULE(_core, module) {
  module.doc() = "Crucible's C++ core. Use the names that the package `crucible` exports.";
  using namespace crucible::python;
  bind_errors(module);
  bind_evaluation(module);
  bind_reward(module);
  bind_records(module);
  bind_tasks(module);
  bind_evaluator(module);
  bind_environment(module);
  bind_archive(module);
  bind_pool(module);
}
