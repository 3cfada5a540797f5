// attack: convicts itself and then exhausts memory, hoping for an infrastructure error instead of a conviction
// row: own
// task: softmax
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/softmax.cpp
// must: evidence is kept before the death that follows it
#include <sys/socket.h>

#include <cstdlib>
#include <thread>

#include "../parts/honest.h"

SOFTMAX {
  std::thread([] { socket(AF_INET, SOCK_STREAM, 0); }).detach();
  for (;;) {
    char* p = static_cast<char*>(std::malloc(1 << 20));
    if (p == nullptr) std::abort();
    std::memset(p, 1, 1 << 20);
  }
}
