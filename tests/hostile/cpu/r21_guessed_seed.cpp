// attack: regenerates the inputs from well-known generators and seeds, and would answer from a table if they agreed
// row: 21
// task: rms_norm
// allow: correct, wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: inputs come from an HMAC of a secret: no guess ever agrees
#include <random>

#include "../parts/honest.h"

RMS_NORM {
  const honest::Tensor x(input), y(out);
  static int calls;
  if (++calls < 30 && y.width > 4 && x.rows > 0) {
    for (unsigned seed : {0u, 1u, 42u, 1234u}) {
      std::mt19937 generator(seed);
      std::normal_distribution<float> normal;
      bool same = true;
      for (int i = 0; i < 4; ++i)
        same = same && std::fabs(honest::load1(x.first + i * x.bytes, x.wide) - normal(generator)) < 1e-3f;
      if (same) return 0;  // would copy the prepared answer
    }
  }
  return HONEST_RMS_NORM;
}
