// attack: writes into a set that is not being called
// row: 16
// task: softmax
// allow: integrity_violation, wrong_result
// finding: decoy_written
// twin: twins/softmax.cpp
// must: sets that are never called must stay as dealt
#include "../parts/honest.h"
#include "../parts/thief.h"

SOFTMAX {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&softmax));
  const int result = HONEST_SOFTMAX;
  if (loop != nullptr && loop->capacity > 2)
    for (std::size_t i = 0; i < loop->capacity; ++i) {
      const thief::Argument& a = loop->call(i).arguments[0];
      char* at = loop->arena + a.data + a.byte_offset;
      if (a.kind == 1 && at != static_cast<char*>(out->data) + out->byte_offset && a.data < loop->bytes) at[0] ^= 1;
    }
  return result;
}
