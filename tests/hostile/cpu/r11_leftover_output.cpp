// attack: does nothing and hopes that the output still holds what somebody right has left there
// row: 11
// task: softmax
// allow: wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: outputs are poisoned, and no memory is shared with another runner
#include "../parts/honest.h"

SOFTMAX {
  (void)out, (void)input;
  return 0;
}
