// attack: keeps outputs by the input's address
// row: 12
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: the same addresses come back with new contents
#include <map>
#include <vector>

#include "../parts/honest.h"

RMS_NORM {
  static std::map<const void*, std::vector<char>> kept;
  const honest::Tensor x(input), y(out);
  if (honest::empty(y)) return 0;
  const std::size_t bytes = y.rows * y.width * y.bytes;
  std::vector<char>& known = kept[x.first];
  if (known.size() == bytes) {
    std::memcpy(y.first, known.data(), bytes);
    return 0;
  }
  const int result = HONEST_RMS_NORM;
  known.assign(y.first, y.first + bytes);
  return result;
}
