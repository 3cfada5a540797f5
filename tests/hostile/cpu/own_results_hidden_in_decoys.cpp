// attack: keeps results for later in the decoys' outputs, where they look like stale poison
// row: own
// task: silu_and_mul
// allow: integrity_violation, wrong_result
// finding: decoy_written
// twin: twins/silu_and_mul.cpp
// must: a set that is not called must stay as dealt
#include "../parts/honest.h"
#include "../parts/thief.h"

SILU_AND_MUL {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&silu_and_mul));
  static std::size_t next;
  if (loop != nullptr && loop->capacity > 2) {
    thief::Tensors t(*loop, loop->call(next++ % loop->capacity));
    if (t.usable) honest::silu_and_mul(&t.tensor[0], &t.tensor[1]);
  }
  return HONEST_SILU_AND_MUL;
}
