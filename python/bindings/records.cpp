#include <pybind11/stl.h>

#include "env/record.h"
#include "python/bindings/bindings.h"

namespace crucible::python {

void bind_records(py::module_& module) {
  py::class_<Record>(module, "Record", "One evaluation on disk: facts, source, and the reward that was paid.")
      .def(py::init<>())
      .def_readwrite("evaluation", &Record::evaluation)
      .def_property(
          "source", [](const Record& record) { return py::bytes(record.source); },
          [](Record& record, const py::bytes& source) { record.source = std::string(source); },
          "The very bytes that were given.")
      .def_readwrite("reward", &Record::reward)
      .def_readwrite("settings", &Record::settings)
      .def_readwrite("turn", &Record::turn)
      .def_readwrite("time_utc", &Record::time_utc)
      .def_readwrite("id", &Record::id)
      .def(
          "to_json", [](const Record& record) { return to_json(record); }, "One line of records.jsonl.")
      .def(
          "evaluation_json", [](const Record& record) { return evaluation_json(record); },
          "The object that `crucible evaluate --json` prints.")
      .def_static(
          "from_json", [](const std::string& line) { return record_from_json(line); }, py::arg("line"))
      .def(py::pickle([](const Record& record) { return py::bytes(to_json(record)); },
                      [](const py::bytes& line) { return record_from_json(std::string(line)); }))
      .def("__repr__", [](const Record& record) {
        return "Record(id='" + record.id + "', task='" + record.evaluation.task +
               "', verdict=" + std::string(to_string(record.evaluation.verdict)) + ")";
      });

  py::class_<ReadRecords>(module, "ReadRecords")
      .def_readonly("records", &ReadRecords::records)
      .def_readonly("torn", &ReadRecords::torn)
      .def_readonly("problems", &ReadRecords::problems);

  module.def("read_records", &read_records, py::arg("path"), py::call_guard<py::gil_scoped_release>(),
             "All records of a file; torn lines are skipped and counted.");
  module.def("append_record", &append_record, py::arg("path"), py::arg("record"),
             py::call_guard<py::gil_scoped_release>(), "Appends one record durably; several processes may append.");
  module.attr("RECORD_SCHEMA") = kRecordSchema;
}

}  // namespace crucible::python
