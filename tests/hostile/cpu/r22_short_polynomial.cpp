// attack: an exp that is right to bf16 but not to f32, for every dtype
// row: 22
// task: softmax
// allow: wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: f32 is judged as f32
#include "../parts/honest.h"

static honest::V rough(honest::V v) {
  const honest::V c = honest::pick(v < -87.0f, honest::all(-87.0f), v);
  const honest::V n = (c * 1.44269504f + 12582912.0f) - 12582912.0f;
  const honest::V r = c * 1.44269504f - n;
  const honest::V p = ((r * 0.0554906f + 0.2402265f) * r + 0.6931472f) * r + 1.0f;
  return (honest::V)((honest::I)p + (__builtin_convertvector(n, honest::I) << 23));
}

SOFTMAX {
  const honest::Tensor x(input), y(out);
  if (honest::empty(y)) return 0;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    if (y.width % 16 != 0) {
      honest::softmax_row(x.row(r), y.row(r), y.wide, y.width);
      continue;
    }
    honest::V m = honest::all(-__builtin_inff()), s = {};
    for (std::int64_t i = 0; i < y.width; i += 16) {
      const honest::V v = honest::load(x.row(r) + i * x.bytes, x.wide);
      m = honest::pick(v > m, v, m);
    }
    float largest = m[0];
    for (int k = 1; k < 16; ++k) largest = m[k] > largest ? m[k] : largest;
    for (std::int64_t i = 0; i < y.width; i += 16) s += rough(honest::load(x.row(r) + i * x.bytes, x.wide) - largest);
    const float inverse = 1 / honest::sum(s);
    for (std::int64_t i = 0; i < y.width; i += 16)
      honest::store(y.row(r) + i * y.bytes, y.wide,
                    rough(honest::load(x.row(r) + i * x.bytes, x.wide) - largest) * inverse);
  }
  return 0;
}
