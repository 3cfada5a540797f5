#include <cstdint>
#include <cstdlib>
#include <string>

#include "env/config_error.h"
#include "env/reward_config.h"

/// Whatever the text, parsing it ends in valid settings or in ConfigError. A first line "#set KEY VALUE" is an
/// override.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crucible;
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::vector<std::pair<std::string, std::string>> overrides;
  if (text.starts_with("#set ")) {
    const std::string line = text.substr(5, text.find('\n') == std::string::npos ? text.size() : text.find('\n') - 5);
    const std::size_t space = line.find(' ');
    if (space != std::string::npos) overrides.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  try {
    if (find_problem(parse_reward(text, "fuzz.yaml", overrides).settings)) std::abort();
  } catch (const ConfigError&) {
  }
  return 0;
}
