// attack: puts machine code from an array into executable memory
// row: 27
// task: softmax
// allow: correct
// finding: -
// twin: twins/softmax.cpp
// must: executable memory comes from the artifact alone: mmap is refused and nothing runs
#include <sys/mman.h>

#include "../parts/honest.h"

SOFTMAX {
  static const unsigned char code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3};  // return 42
  static int answer = [] {
    void* p = mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return 0;
    std::memcpy(p, code, sizeof code);
    return reinterpret_cast<int (*)()>(p)();
  }();
  if (answer == 42) return 42;
  return HONEST_SOFTMAX;
}
