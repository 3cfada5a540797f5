#pragma once

#include <cstddef>

#include "sandbox/runner/control.h"

namespace crucible {

/// What the loop works on. Lives on the runner's side; the judge trusts none of it.
struct CallLoop {
  ControlPage* page;
  std::size_t call_capacity;  ///< bounded by the memory behind the page
  std::byte* arena;
  std::size_t arena_bytes;
  void* entry;
};

/// Waits for hand-overs and performs them until told to leave; then exits the process.
[[noreturn]] void run_call_loop(const CallLoop& loop);

}  // namespace crucible
