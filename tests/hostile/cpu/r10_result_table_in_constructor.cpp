// attack: a constructor computes the public workloads for guessed inputs (all ones), calls only look up
// row: 10
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: inputs come from a secret
#include <vector>

#include "../parts/honest.h"

static std::vector<float> table;
__attribute__((constructor)) static void fill() { table.assign(1 << 20, 1.0f); }

RMS_NORM {
  const honest::Tensor y(out);
  if (honest::empty(y)) return 0;
  for (std::int64_t i = 0; i < y.rows * y.width; ++i)
    honest::store1(y.first + i * y.bytes, y.wide, table[i % table.size()]);
  return 0;
}
