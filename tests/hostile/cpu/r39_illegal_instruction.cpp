// attack: executes an illegal instruction
// row: 39
// task: softmax
// allow: crashed
// finding: -
// twin: twins/softmax.cpp
// must: a crash like any other
#include "../parts/honest.h"

SOFTMAX {
  (void)out, (void)input;
  __builtin_trap();
}
