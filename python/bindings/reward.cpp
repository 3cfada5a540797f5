#include <pybind11/stl.h>

#include "env/reward_config.h"
#include "python/bindings/bindings.h"
#include "reward/reward_model.h"

namespace crucible::python {

void bind_reward(py::module_& module) {
  py::class_<RewardTerm>(module, "RewardTerm", "One named part of a reward and what it contributed.")
      .def_readonly("name", &RewardTerm::name)
      .def_readonly("value", &RewardTerm::value)
      .def_readonly("why", &RewardTerm::why)
      .def("__repr__",
           [](const RewardTerm& t) { return py::str("RewardTerm({!r}, {:+.6f})").format(t.name, t.value); });

  py::class_<Reward>(module, "Reward", "A scalar reward and its parts; NaN without parts for infrastructure_error.")
      .def_readonly("reward", &Reward::reward)
      .def_readonly("terms", &Reward::terms)
      .def("__float__", [](const Reward& r) { return r.reward; })
      .def("__repr__", [](const Reward& r) { return py::str("Reward({:.6f})").format(r.reward); });

  py::class_<RewardSettings>(module, "RewardSettings", "A reward model's name, numbers and prices.")
      .def(py::init<>())
      .def_readwrite("model", &RewardSettings::model)
      .def_readwrite("numbers", &RewardSettings::numbers)
      .def_readwrite("prices", &RewardSettings::prices);

  py::class_<RewardParameter>(module, "RewardParameter", "One number of a reward model.")
      .def_readonly("name", &RewardParameter::name)
      .def_readonly("value", &RewardParameter::value)
      .def_readonly("minimum", &RewardParameter::minimum)
      .def_readonly("maximum", &RewardParameter::maximum)
      .def_readonly("about", &RewardParameter::about);

  // pybind11's holders want a non-const pointee; the model is immutable either way.
  py::class_<RewardModel, std::shared_ptr<RewardModel>>(
      module, "RewardModel", "Turns an Evaluation into a Reward: pure, immutable, thread-safe.")
      .def(py::init([](const RewardSettings& settings) {
             return std::const_pointer_cast<RewardModel>(make_reward_model(settings));
           }),
           py::arg("settings"))
      .def("score", &RewardModel::score, py::arg("evaluation"), py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("settings", [](const RewardModel& model) { return model.settings(); });

  py::class_<ValueOrigin>(module, "ValueOrigin", "Where one value of a configuration came from.")
      .def_readonly("key", &ValueOrigin::key)
      .def_readonly("value", &ValueOrigin::value)
      .def_readonly("origin", &ValueOrigin::origin);

  py::class_<LoadedReward>(module, "LoadedReward")
      .def_readonly("settings", &LoadedReward::settings)
      .def_readonly("origins", &LoadedReward::origins);

  using Overrides = std::vector<std::pair<std::string, std::string>>;
  module.def(
      "load_reward",
      [](const std::string& name, const std::string& directory, const Overrides& overrides) {
        return load_reward(name, directory, overrides);
      },
      py::arg("name_or_path"), py::arg("config_directory"), py::arg("overrides") = Overrides{},
      "A reward configuration by name or path; overrides are (dotted key, value) and win.");
  module.def("parse_reward", &parse_reward, py::arg("text"), py::arg("file"), py::arg("overrides") = Overrides{},
             "A reward configuration from YAML or JSON text; `file` names it in messages.");
  module.def("default_settings", &default_settings, py::arg("model") = "crucible",
             "A model's published settings, complete.");
  module.def("reward_about", &reward_about, py::arg("model"), "Formula and source of a model in one line.");
  module.def(
      "discounted_returns",
      [](const std::vector<double>& scores, double gamma) { return discounted_returns(scores, gamma); },
      py::arg("scores"), py::arg("gamma"), "R_t, the discounted sum of an episode's scores from turn t on.");
  module.def("reward_model_names", &reward_model_names);
  module.def("reward_parameters", &reward_parameters, py::arg("model"));
}

}  // namespace crucible::python
