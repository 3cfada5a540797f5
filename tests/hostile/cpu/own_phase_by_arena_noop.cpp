// attack: tells the timed runner by the size of its arena
// row: own
// task: softmax
// allow: wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: timed outputs are checked
#include "../parts/honest.h"
#include "../parts/thief.h"

SOFTMAX {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&softmax));
  if (loop != nullptr && loop->bytes > (8u << 20)) return 0;
  return HONEST_SOFTMAX;
}
