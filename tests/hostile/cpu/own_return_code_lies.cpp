// attack: returns 0 from the call, then writes another return code and a message into the page, over and over
// row: own
// task: softmax
// allow: wrong_result, correct, crashed
// finding: -
// twin: twins/softmax.cpp
// must: it can only refuse its own calls
#include <thread>

#include "../parts/honest.h"
#include "../parts/thief.h"

SOFTMAX {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&softmax));
  static bool once = [] {
    if (loop != nullptr)
      std::thread([] {
        for (unsigned n = 0;; ++n) {
          loop->page->return_code = int(n);
          std::memcpy(loop->page->message, "\xff\xfe correct", 10);
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      }).detach();
    return true;
  }();
  (void)once;
  return HONEST_SOFTMAX;
}
