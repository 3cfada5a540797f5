// attack: changes one element of the input in the timed phase only
// row: 14
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: a random set of each timed chain is compared too
#include "../parts/honest.h"

RMS_NORM {
  static unsigned calls;
  const honest::Tensor x(input);
  const int result = HONEST_RMS_NORM;
  if (++calls > 150 && x.rows > 0 && x.width > 0) x.first[0] ^= 1;
  return result;
}
