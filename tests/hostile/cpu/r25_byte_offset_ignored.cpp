// attack: ignores byte_offset
// row: 25
// task: softmax
// allow: wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: half of the cases put their offset there
#include "../parts/honest.h"

SOFTMAX {
  DLTensor o = *out, i = *input;
  o.byte_offset = i.byte_offset = 0;
  return honest::softmax(&o, &i);
}
