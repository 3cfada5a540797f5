// attack: takes what lies in the output before the call for the answer to some other entry, and keeps it for when that entry comes
// row: 15
// task: softmax
// allow: correct, wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: a harvested row cannot be matched to its input without doing the work
#include <map>
#include <vector>

#include "../parts/honest.h"

SOFTMAX {
  static std::map<std::int64_t, std::vector<char>> harvest;  // by position of the largest element and width
  const honest::Tensor x(input), y(out);
  if (honest::empty(y)) return 0;
  auto largest = [&](const char* row) {
    std::int64_t at = 0;
    float best = -1e30f;
    for (std::int64_t i = 0; i < y.width; ++i) {
      const float v = honest::load1(row + i * y.bytes, y.wide);
      if (v > best) best = v, at = i;
    }
    return at * 100000 + y.width;
  };
  static int calls;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    if (++calls > 3000) {
      honest::softmax_row(x.row(r), y.row(r), y.wide, y.width);
      continue;
    }
    double total = 0;
    for (std::int64_t i = 0; i < y.width; ++i) total += honest::load1(y.row(r) + i * y.bytes, y.wide);
    if (total > 0.98 && total < 1.02) harvest[largest(y.row(r))].assign(y.row(r), y.row(r) + y.width * y.bytes);
    const auto known = harvest.find(largest(x.row(r)));
    if (known != harvest.end() && y.width > 500)
      std::memcpy(y.row(r), known->second.data(), y.width * y.bytes);
    else
      honest::softmax_row(x.row(r), y.row(r), y.wide, y.width);
  }
  return 0;
}
