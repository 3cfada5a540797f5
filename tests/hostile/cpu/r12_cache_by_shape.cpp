// attack: keeps outputs by shape and dtype
// row: 12
// task: softmax
// allow: wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: contents differ under one shape
#include <map>
#include <vector>

#include "../parts/honest.h"

SOFTMAX {
  static std::map<std::int64_t, std::vector<char>> kept;
  const honest::Tensor y(out);
  if (honest::empty(y)) return 0;
  const std::size_t bytes = y.rows * y.width * y.bytes;
  std::vector<char>& known = kept[y.rows * 1000003 + y.width * 8 + y.bytes];
  if (known.size() == bytes) {
    std::memcpy(y.first, known.data(), bytes);
    return 0;
  }
  const int result = HONEST_SOFTMAX;
  known.assign(y.first, y.first + bytes);
  return result;
}
