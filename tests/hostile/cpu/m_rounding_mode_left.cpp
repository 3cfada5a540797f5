// attack: leaves the rounding mode at towards zero
// row: more
// task: silu_and_mul
// allow: correct
// finding: -
// twin: twins/silu_and_mul.cpp
// must: the next call starts from the mode that the runner had
#include <cfenv>

#include "../parts/honest.h"

SILU_AND_MUL {
  const int result = HONEST_SILU_AND_MUL;
  std::fesetround(FE_TOWARDZERO);
  return result;
}
