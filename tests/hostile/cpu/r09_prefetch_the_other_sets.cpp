// attack: while a call runs, prefetches the inputs of other sets, so that a later call finds them in the cache
// row: 9
// task: rms_norm
// allow: correct
// finding: -
// twin: twins/rms_norm.cpp
// must: which set is next is not told; guessing among many costs more than it brings
#include "../parts/honest.h"
#include "../parts/thief.h"

RMS_NORM {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&rms_norm));
  static std::size_t next;
  if (loop != nullptr && loop->capacity > 2) {
    thief::Call& call = loop->call(next++ % loop->capacity);
    const char* at = loop->arena + call.arguments[1].data;
    if (call.arguments[1].data < loop->bytes)
      for (int i = 0; i < 64 && at + i * 64 < loop->arena + loop->bytes; ++i) __builtin_prefetch(at + i * 64);
  }
  return HONEST_RMS_NORM;
}
