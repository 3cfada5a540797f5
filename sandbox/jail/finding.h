#pragma once

#include <string>

namespace crucible {

/// What the jail's init reports about a runner's integrity, each with its evidence.
struct JailFinding {
  std::string kind;  ///< "forbidden_system_call", "library_load", "process_memory_access", "file_access_denied", …
  std::string evidence;
  bool conclusive = false;
};

}  // namespace crucible
