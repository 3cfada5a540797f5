#include <pybind11/stl.h>

#include "env/prompt.h"
#include "env/task/task.h"
#include "python/bindings/bindings.h"

namespace crucible::python {

void bind_tasks(py::module_& module) {
  py::class_<Workload>(module, "Workload", "One set of axis values, with its count in production.")
      .def_readonly("name", &Workload::name)
      .def_property_readonly("dtype", [](const Workload& w) { return std::string(to_string(w.dtype)); })
      .def_readonly("axes", &Workload::axes)
      .def_readonly("options", &Workload::options)
      .def_readonly("count", &Workload::count)
      .def_readonly("hidden", &Workload::hidden)
      .def_readonly("timed", &Workload::timed)
      .def("describe", [](const Workload& w) { return describe(w); });

  py::class_<Task, std::shared_ptr<Task>>(module, "Task", "An operation with its contract, workloads, data and oracle.")
      .def_readonly("name", &Task::name)
      .def_readonly("file", &Task::file)
      .def_readonly("title", &Task::title)
      .def_readonly("description", &Task::description)
      .def_readonly("entry_point", &Task::entry_point)
      .def_readonly("rules", &Task::rules)
      .def_readonly("seed_kernel", &Task::seed_kernel)
      .def_readonly("backends", &Task::backends)
      .def_readonly("hints", &Task::hints)
      .def_readonly("workloads", &Task::workloads)
      .def_property_readonly(
          "cases",
          [](const Task& task) {
            std::vector<std::pair<std::string, std::string>> cases;
            for (const Case& one : task.cases) cases.emplace_back(one.workload->name, one.family);
            return cases;
          },
          "(workload, family) of every correctness case")
      .def(
          "prompt",
          [](const Task& task, const std::string& backend, const std::string& device) {
            return prompt_text(task, backend, device);
          },
          py::arg("backend"), py::arg("device"));

  module.def("task_names", &task_names, py::arg("directories"), "Names of all tasks in `directories`, sorted.");
  module.def(
      "find_task",
      [](const std::string& name, const std::vector<std::string>& directories, const std::string& backend) {
        return std::const_pointer_cast<Task>(find_task(name, directories, backend));
      },
      py::arg("name"), py::arg("directories"), py::arg("backend") = "",
      "A task by name; ConfigError with did-you-mean when there is none.");
}

}  // namespace crucible::python
