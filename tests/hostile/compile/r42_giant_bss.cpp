// attack: thirty gigabytes of zero-initialised memory, which no file shows
// row: 42
// task: softmax
// allow: load_error, compile_error, crashed
// finding: -
// twin: twins/softmax.cpp
// must: the runner's limit refuses to load it
#include "../parts/honest.h"

volatile char giant[30ull << 30];

SOFTMAX {
  static std::uint64_t next;
  giant[next += 4096] = 1;
  return HONEST_SOFTMAX;
}
