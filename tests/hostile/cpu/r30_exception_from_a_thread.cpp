// attack: an exception that leaves a thread
// row: 30
// task: silu_and_mul
// allow: crashed
// finding: -
// twin: twins/silu_and_mul.cpp
// must: std::terminate is a crash
#include <thread>

#include "../parts/honest.h"

SILU_AND_MUL {
  std::thread([] { throw 1; }).join();
  return HONEST_SILU_AND_MUL;
}
