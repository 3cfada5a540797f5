#include "env/baseline/onednn/primitive.h"

#include <cstring>

namespace crucible::baseline::onednn {
namespace {

dnnl::stream& stream() {
  static dnnl::stream only(engine());
  return only;
}

}  // namespace

const dnnl::engine& engine() {
  static const dnnl::engine only(dnnl::engine::kind::cpu, 0);
  return only;
}

bool is_reference(const char* implementation) { return std::strncmp(implementation, "ref", 3) == 0; }

PreparedPrimitive::PreparedPrimitive(const dnnl::primitive& primitive, const std::vector<Operand>& operands)
    : primitive_(primitive) {
  for (const Operand& operand : operands) {
    memories_.push_back(dnnl::memory(operand.description, engine(), DNNL_MEMORY_NONE));
    arguments_.push_back({operand.argument, memories_.back().get()});
  }
}

int PreparedPrimitive::run(std::initializer_list<const void*> addresses) {
  std::size_t i = 0;
  for (const void* address : addresses) {
    if (dnnl_memory_set_data_handle(arguments_[i].memory, const_cast<void*>(address)) != dnnl_success)
      return kNotServed;
    ++i;
  }
  const dnnl_status_t status =
      dnnl_primitive_execute(primitive_.get(), stream().get(), (int)arguments_.size(), arguments_.data());
  return status == dnnl_success ? 0 : kNotServed;
}

}  // namespace crucible::baseline::onednn

CRUCIBLE_BASELINE_EXPORT const char* crucible_baseline_name(void) { return "onednn"; }

CRUCIBLE_BASELINE_EXPORT const char* crucible_baseline_version(void) {
  static const std::string text = [] {
    const dnnl_version_t* version = dnnl_version();
    return std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch);
  }();
  return text.c_str();
}
