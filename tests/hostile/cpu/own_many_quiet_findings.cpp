// attack: ten thousand refused opens, to drown the report and slow the init
// row: own
// task: silu_and_mul
// allow: correct, timed_out
// finding: file_access_denied
// twin: twins/silu_and_mul.cpp
// must: quiet findings are bounded
#include <fcntl.h>

#include "../parts/honest.h"

SILU_AND_MUL {
  static int opens = 0;
  for (int i = 0; i < 20 && opens < 10000; ++i, ++opens) open("/etc/hostname", O_RDONLY);
  return HONEST_SILU_AND_MUL;
}
