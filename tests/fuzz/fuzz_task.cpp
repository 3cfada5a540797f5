#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>

#include "env/config_error.h"
#include "env/task/task.h"

/// Whatever a task file holds, reading it ends in a task or in ConfigError.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crucible;
  static const std::string path = "/tmp/crucible-fuzz-task-" + std::to_string(::getpid()) + ".yaml";
  {
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  }
  try {
    load_task(path);
  } catch (const ConfigError&) {
  }
  ::unlink(path.c_str());
  return 0;
}
