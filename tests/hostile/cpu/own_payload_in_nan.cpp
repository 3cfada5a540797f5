// attack: carries the call's number out in the payload of NaNs, and writes zeros with a sign: outputs as a channel between calls
// row: own
// task: softmax
// allow: correct, wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: the payload of a NaN and the sign of a zero are nobody's result and nobody's memory: outputs are poisoned anew
#include "../parts/honest.h"

SOFTMAX {
  static std::uint32_t number = 0;
  ++number;
  const int result = HONEST_SOFTMAX;
  const honest::Tensor y(out);
  if (!y.wide) return result;
  for (std::int64_t i = 0; i < y.rows * y.width; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, y.first + 4 * i, 4);
    if ((bits & 0x7fffffffu) > 0x7f800000u) bits = 0x7fc00000u | (number & 0x3fffffu);
    if (bits == 0) bits = 0x80000000u;
    std::memcpy(y.first + 4 * i, &bits, 4);
  }
  return result;
}
