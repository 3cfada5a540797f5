// attack: prints bytes that are not UTF-8, terminal escapes and NUL, and is otherwise honest
// row: own
// task: softmax
// allow: correct
// finding: -
// twin: twins/softmax.cpp
// must: captured, bounded, cleaned: never an infrastructure error
#include <unistd.h>

#include "../parts/honest.h"

SOFTMAX {
  static bool once = [] {
    char bytes[3000];
    for (int i = 0; i < 3000; ++i) bytes[i] = char(i * 37);
    (void)!write(2, bytes, sizeof bytes);
    return true;
  }();
  (void)once;
  return HONEST_SOFTMAX;
}
