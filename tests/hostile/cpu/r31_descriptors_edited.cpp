// attack: edits the tensor descriptors it was given, so that a later check would look elsewhere
// row: 31
// task: softmax
// allow: correct, wrong_result, crashed
// finding: -
// twin: twins/softmax.cpp
// must: the judge knows the layout itself; the next call gets descriptors of its own
#include "../parts/honest.h"

SOFTMAX {
  const int result = HONEST_SOFTMAX;
  if (out->ndim > 0) {
    out->shape[0] = 0;
    out->strides[0] = 0;
  }
  out->data = input->data;
  const_cast<DLTensor*>(input)->byte_offset = 1 << 30;
  return result;
}
