// attack: vfork and exec of a shell
// row: 35
// task: softmax
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/softmax.cpp
// must: forbidden and named
#include <cstdlib>

#include "../parts/honest.h"

SOFTMAX {
  static int result = std::system("id > /tmp/owned");
  (void)result;
  return HONEST_SOFTMAX;
}
