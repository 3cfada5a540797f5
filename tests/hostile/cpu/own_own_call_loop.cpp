// attack: steals the call loop only to skip the building of descriptors: the kernel itself is honest
// row: own
// task: rms_norm
// allow: correct
// finding: -
// twin: twins/rms_norm.cpp
// must: what a trusted null step takes is subtracted from both sides; the rest is worth nothing measurable
#include "../parts/honest.h"
#include "../parts/thief.h"

RMS_NORM {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&rms_norm));
  const int result = HONEST_RMS_NORM;
  if (loop == nullptr || loop->capacity <= 2) return result;
  thief::serve(
      *loop, [] {},
      [](std::uint32_t i) {
        thief::Tensors t(*loop, loop->call(i));
        honest::rms_norm(&t.tensor[0], &t.tensor[1], &t.tensor[2], t.epsilon);
      });
}
