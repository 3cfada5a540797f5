#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "env/config_error.h"
#include "env/record.h"

/// Whatever the line, reading it ends in a record or in ConfigError, and what was read can be written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crucible;
  try {
    const Record record = record_from_json({reinterpret_cast<const char*>(data), size});
    const std::string line = to_json(record);
    if (to_json(record_from_json(line)) != line) std::abort();
    try {
      reward_agrees(record);
    } catch (const std::invalid_argument&) {  // its settings are no model: said, not hidden
    }
  } catch (const ConfigError&) {
  }
  return 0;
}
