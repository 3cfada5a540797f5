#pragma once

#include <cstddef>

namespace crucible {

/// A shared mapping of a whole memfd, every page touched, so that no call pays for a first fault.
struct SharedMapping {
  void* data = nullptr;
  std::size_t bytes = 0;
};

/// Maps and pre-faults; exits the process on failure (there is nobody inside to tell).
SharedMapping map_shared(int fd);

}  // namespace crucible
