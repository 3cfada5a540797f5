// attack: combined: serves the first timed chain honestly from a stolen loop, then answers every later chain without work and leaves
// row: own
// task: rms_norm
// allow: wrong_result, crashed
// finding: -
// twin: twins/rms_norm.cpp
// must: each chain is checked, and a chain that breaks off counts for nothing
#include "../parts/honest.h"
#include "../parts/thief.h"

RMS_NORM {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&rms_norm));
  const int result = HONEST_RMS_NORM;
  if (loop == nullptr || loop->capacity <= 2) return result;
  static unsigned calls;
  thief::serve(
      *loop, [] {},
      [](std::uint32_t i) {
        if (++calls > 2000) _exit(0);
        if (calls > 150) return;
        thief::Tensors t(*loop, loop->call(i));
        honest::rms_norm(&t.tensor[0], &t.tensor[1], &t.tensor[2], t.epsilon);
      });
}
