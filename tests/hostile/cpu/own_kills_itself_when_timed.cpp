// attack: right in every check, then SIGKILL to itself where it is timed: a failure of ours would hide that it is slow
// row: own
// task: softmax
// allow: crashed
// finding: -
// twin: twins/softmax.cpp
// must: done again in fresh runners; the same end every time is the kernel's own
#include <signal.h>
#include <unistd.h>

#include "../parts/honest.h"
#include "../parts/thief.h"

SOFTMAX {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&softmax));
  if (loop != nullptr && loop->capacity > 2) kill(getpid(), SIGKILL);
  return HONEST_SOFTMAX;
}
