#pragma once

#include <pybind11/pybind11.h>

namespace crucible::python {

namespace py = pybind11;

// One function per area of the API; module.cpp calls them in this order.
void bind_errors(py::module_& module);
void bind_evaluation(py::module_& module);
void bind_reward(py::module_& module);
void bind_records(py::module_& module);
void bind_tasks(py::module_& module);
void bind_evaluator(py::module_& module);
void bind_environment(py::module_& module);
void bind_archive(py::module_& module);
void bind_pool(py::module_& module);

}  // namespace crucible::python
