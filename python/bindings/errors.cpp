#include "env/config_error.h"
#include "python/bindings/bindings.h"
#include "sandbox/warden/warden.h"

namespace crucible::python {

void bind_errors(py::module_& module) {
  // ValueError, so that a caller who knows nothing of Crucible catches bad arguments as he always does.
  py::register_exception<ConfigError>(module, "ConfigError", PyExc_ValueError);
  py::register_exception<Cancelled>(module, "Cancelled", PyExc_RuntimeError);
  py::register_exception<WardenLost>(module, "WardenLost", PyExc_RuntimeError);
}

}  // namespace crucible::python
