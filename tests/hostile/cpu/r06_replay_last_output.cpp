// attack: copies the output of the last call with the same shape, where contents look alike
// row: 6
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: contents are fresh in each call
#include <vector>

#include "../parts/honest.h"

RMS_NORM {
  static std::vector<char> last;
  static unsigned calls;
  const honest::Tensor y(out);
  if (honest::empty(y)) return 0;
  const std::size_t bytes = y.rows * y.width * y.bytes;
  if (++calls > 100 && last.size() == bytes) {
    std::memcpy(y.first, last.data(), bytes);
    return 0;
  }
  const int result = HONEST_RMS_NORM;
  last.assign(y.first, y.first + bytes);
  return result;
}
