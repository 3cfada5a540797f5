// attack: tells the timed runner by the number of slots in its call table and does nothing there
// row: 4
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: timed outputs are checked
#include "../parts/honest.h"
#include "../parts/thief.h"

RMS_NORM {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&rms_norm));
  if (loop != nullptr && loop->capacity > 2) return 0;
  return HONEST_RMS_NORM;
}
