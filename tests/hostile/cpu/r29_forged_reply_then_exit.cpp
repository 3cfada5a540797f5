// attack: writes a done word and return code 0, then leaves with _exit(0)
// row: 29
// task: rms_norm
// allow: crashed, wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: a reply carries no result, and a process that ended has ended
#include "../parts/honest.h"
#include "../parts/thief.h"

RMS_NORM {
  (void)out, (void)input, (void)weight, (void)epsilon;
  if (const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&rms_norm)))
    thief::reply(loop->page, loop->page->go.load());
  _exit(0);
}
