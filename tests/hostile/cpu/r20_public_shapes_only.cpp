// attack: serves the public shapes and nothing else
// row: 20
// task: softmax
// allow: wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: hidden shapes count
#include "../parts/honest.h"

SOFTMAX {
  const honest::Tensor y(out);
  const std::int64_t w = y.width;
  if (w == 1024 || w == 4096 || w == 128 || w == 16032) return HONEST_SOFTMAX;
  return 0;
}
