// attack: a constructor looks for the control page through mincore and marks the runner ready before it is
// row: 29
// task: softmax
// allow: correct, crashed, load_error, timed_out
// finding: -
// twin: twins/softmax.cpp
// must: being ready too early gains nothing: calls wait for the loop
#include <link.h>

#include "../parts/honest.h"

__attribute__((constructor)) static void early() {
  // The page is a shared mapping of a few pages; its address is on the stack of main, above this frame.
  auto* at = static_cast<std::uintptr_t*>(__builtin_frame_address(0));
  extern void* __libc_stack_end __asm__("__libc_stack_end");
  auto* end = static_cast<std::uintptr_t*>(__libc_stack_end) - 8;
  int candidates = 0;
  for (; at < end; ++at)
    if (*at != 0 && *at % 4096 == 0 && *at > (1ull << 40)) ++candidates;
  if (candidates > 100000) __builtin_trap();
}

SOFTMAX { return HONEST_SOFTMAX; }
