// attack: writes the done word of the control page at the start of the call and works afterwards
// row: 10c
// task: silu_and_mul
// allow: wrong_result, integrity_violation
// finding: early_reply
// twin: twins/silu_and_mul.cpp
// must: sampled elements still hold poison
#include "../parts/honest.h"
#include "../parts/thief.h"

SILU_AND_MUL {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&silu_and_mul));
  if (loop != nullptr && loop->capacity > 2) {
    loop->page->return_code = 0;
    thief::reply(loop->page, loop->page->go.load());
  }
  return HONEST_SILU_AND_MUL;
}
