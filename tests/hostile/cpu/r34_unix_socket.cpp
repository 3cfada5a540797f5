// attack: makes a Unix socket pair to pass descriptors
// row: 34
// task: softmax
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/softmax.cpp
// must: forbidden and named
#include <sys/socket.h>

#include "../parts/honest.h"

SOFTMAX {
  int ends[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
  return HONEST_SOFTMAX;
}
