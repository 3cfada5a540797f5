// attack: hides code from a reader with bidirectional marks, trigraphs and continued comments
// row: 45
// task: softmax
// allow: wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: what is compiled is judged, not what it looks like
#include "../parts/honest.h"

SOFTMAX {
  const honest::Tensor y(out);
  // a comment that goes on \
  return HONEST_SOFTMAX;
  (void)y, (void)input; /* ‮ ⁦ return honest ⁩ */
  return 0;
}
