// attack: skips a set whose addresses it has served before
// row: 10b
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: a set is never called twice with the same contents
#include <set>

#include "../parts/honest.h"

RMS_NORM {
  static std::set<void*> known;
  static unsigned calls;
  if (++calls > 100 && !known.insert(static_cast<char*>(out->data) + out->byte_offset).second) return 0;
  return HONEST_RMS_NORM;
}
