#include "env/archive/archive.h"

#include <pybind11/stl.h>

#include "env/novelty_desk.h"
#include "env/user_archive.h"
#include "python/bindings/bindings.h"
#include "python/bindings/waiting.h"

namespace crucible::python {

void bind_archive(py::module_& module) {
  py::class_<ArchivedKernel>(module, "ArchivedKernel", "One archived kernel.")
      .def_readonly("id", &ArchivedKernel::id)
      .def_readonly("task", &ArchivedKernel::task)
      .def_readonly("name", &ArchivedKernel::name)
      .def_readonly("origin", &ArchivedKernel::origin)
      .def_readonly("backend", &ArchivedKernel::backend)
      .def_readonly("device", &ArchivedKernel::device)
      .def_readonly("speedup", &ArchivedKernel::speedup)
      .def_property_readonly("source", [](const ArchivedKernel& kernel) { return py::bytes(kernel.source); })
      .def_readonly("added", &ArchivedKernel::added);

  py::class_<ArchiveSnapshot>(module, "ArchiveSnapshot", "What one advance made known.")
      .def_readonly("epoch", &ArchiveSnapshot::epoch)
      .def_readonly("hash", &ArchiveSnapshot::hash)
      .def_readonly("advanced", &ArchiveSnapshot::advanced)
      .def_readonly("kernels", &ArchiveSnapshot::kernels);

  py::class_<Archive>(module, "Archive", "A durable archive of kernels: one SQLite file.")
      .def(py::init([](const std::string& path) { return Archive::open(path); }), py::arg("path"))
      .def("kernels", &Archive::list, py::arg("task") = "")
      .def("find", &Archive::find, py::arg("task"), py::arg("name"))
      .def("remove", &Archive::remove, py::arg("task"), py::arg("name"))
      .def("advance", &Archive::advance)
      .def("current", &Archive::current)
      .def("snapshots", &Archive::snapshots)
      .def(
          "difference",
          [](Archive& archive, std::int64_t from, std::int64_t to) {
            const ArchiveDifference difference = archive.difference(from, to);
            return std::make_pair(difference.added, difference.removed);
          },
          py::arg("from_epoch"), py::arg("to_epoch"), "(added, removed), each \"task/name\".")
      .def("export_json", &Archive::export_json)
      .def("import_json", &Archive::import_json, py::arg("document"));

  py::class_<NoveltyDesk>(module, "NoveltyDesk", "How new a source is, without evaluating it.")
      .def(py::init<std::string, std::string, std::string>(), py::arg("backend"), py::arg("config_directory"),
           py::arg("libexec"))
      .def(
          "assess",
          [](NoveltyDesk& desk, const std::string& task, const py::bytes& source, const std::string& archive) {
            const std::string text(source);
            return interruptible(
                [&](const Progress&, std::stop_token stop) {
                  return desk.assess(task, text, archive, std::move(stop));
                },
                py::none());
          },
          py::arg("task"), py::arg("source"), py::arg("archive") = "")
      .def(
          "add",
          [](NoveltyDesk& desk, const std::string& task, const py::bytes& source, const std::string& name,
             const std::string& archive) {
            const std::string text(source);
            return interruptible(
                [&](const Progress&, std::stop_token stop) {
                  return desk.add(task, text, name, archive, std::move(stop));
                },
                py::none());
          },
          py::arg("task"), py::arg("source"), py::arg("name") = "", py::arg("archive") = "");

  module.def("user_archive_path", &user_archive_path, "The archive that commands use when none is named.");
}

}  // namespace crucible::python
