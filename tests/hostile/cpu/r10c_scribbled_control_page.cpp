// attack: overwrites every word of the control page and of the call table
// row: 10c
// task: rms_norm
// allow: wrong_result, timed_out, crashed, load_error, integrity_violation
// finding: -
// twin: twins/rms_norm.cpp
// must: the judge keeps its own copy of all state
#include "../parts/honest.h"
#include "../parts/thief.h"

RMS_NORM {
  static int calls;
  const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&rms_norm));
  const int result = HONEST_RMS_NORM;
  if (++calls == 20 && loop != nullptr) {
    thief::Page* page = loop->page;
    std::memset(&page->operation, 0xff, 4 * 4);
    std::memset(page->message, 0xee, sizeof page->message);
    page->return_code = 0;
    page->state.store(77);
    std::memset(&loop->call(0), 0x7f, loop->capacity * sizeof(thief::Call));
  }
  return result;
}
