// attack: keeps whole outputs by the first and last 64 bytes of the input
// row: 12
// task: silu_and_mul
// allow: correct, wrong_result
// finding: -
// twin: twins/silu_and_mul.cpp
// must: contents that repeat come with their rows in another order or with single elements changed
#include <map>
#include <string>
#include <vector>

#include "../parts/honest.h"

SILU_AND_MUL {
  static std::map<std::string, std::vector<char>> kept;
  const honest::Tensor x(input), y(out);
  if (honest::empty(y) || x.width * x.bytes < 256) return HONEST_SILU_AND_MUL;
  const std::size_t bytes = y.rows * y.width * y.bytes;
  std::string key(x.first, 64);
  key.append(x.row(x.rows - 1) + x.width * x.bytes - 64, 64);
  std::vector<char>& known = kept[key];
  if (known.size() == bytes) {
    std::memcpy(y.first, known.data(), bytes);
    return 0;
  }
  const int result = HONEST_SILU_AND_MUL;
  known.assign(y.first, y.first + bytes);
  return result;
}
