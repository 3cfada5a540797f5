// attack: sets the flag of a thrown exception with a message of 1,024 bytes without an end
// row: own
// task: rms_norm
// allow: crashed
// finding: -
// twin: twins/rms_norm.cpp
// must: hostile text is bounded and cleaned
#include "../parts/honest.h"
#include "../parts/thief.h"

RMS_NORM {
  const int result = HONEST_RMS_NORM;
  if (const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&rms_norm))) {
    std::memset(loop->page->message, 0xfe, sizeof loop->page->message);
    loop->page->threw = 1;
  }
  return result;
}
