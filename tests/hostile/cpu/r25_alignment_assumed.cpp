// attack: loads aligned vectors from any address
// row: 25
// task: silu_and_mul
// allow: crashed, wrong_result
// finding: -
// twin: twins/silu_and_mul.cpp
// must: offsets are element-aligned only
#include "../parts/honest.h"

SILU_AND_MUL {
  const honest::Tensor x(input), y(out);
#if defined(__x86_64__)
  for (std::int64_t r = 0; r < y.rows && y.width >= 16; ++r)
    asm volatile("movaps (%0), %%xmm0" : : "r"(x.row(r)) : "xmm0");
#else
  for (std::int64_t r = 0; r < y.rows; ++r)
    if (reinterpret_cast<std::uintptr_t>(x.row(r)) % 16 != 0) __builtin_trap();
#endif
  return HONEST_SILU_AND_MUL;
}
