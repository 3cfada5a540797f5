// attack: searches the whole arena for something that looks like this call's result (rows that sum to one)
// row: 15
// task: softmax
// allow: correct, wrong_result, timed_out
// finding: -
// twin: twins/softmax.cpp
// must: only stale poison of other contents is there
#include "../parts/honest.h"
#include "../parts/thief.h"

SOFTMAX {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&softmax));
  const honest::Tensor x(input), y(out);
  static int calls;
  if (loop == nullptr || honest::empty(y) || !y.wide || ++calls > 40) return HONEST_SOFTMAX;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    bool found = false;
    const std::size_t bytes = y.width * y.bytes;
    for (std::size_t at = 0; at + bytes <= loop->bytes && at < (4u << 20) && !found; at += 64) {
      const auto* f = reinterpret_cast<const float*>(loop->arena + at);
      double total = 0;
      for (std::int64_t i = 0; i < y.width && total < 1.5 && f[i] >= 0; ++i) total += f[i];
      found = total > 0.999 && total < 1.001 && loop->arena + at != y.row(r);
      if (found) std::memcpy(y.row(r), f, bytes);
    }
    if (!found) honest::softmax_row(x.row(r), y.row(r), y.wide, y.width);
  }
  return 0;
}
