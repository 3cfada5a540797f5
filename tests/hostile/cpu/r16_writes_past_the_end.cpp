// attack: writes one vector past the end of the output
// row: 16
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: red zones are compared
#include "../parts/honest.h"

RMS_NORM {
  const int result = HONEST_RMS_NORM;
  const honest::Tensor y(out);
  if (!honest::empty(y)) std::memset(y.row(y.rows - 1) + y.width * y.bytes, 0, 32);
  return result;
}
