// attack: fills its work directory
// row: 36
// task: silu_and_mul
// allow: correct
// finding: file_access_denied
// twin: twins/silu_and_mul.cpp
// must: no file can be created
#include <cstdio>
#include <initializer_list>

#include "../parts/honest.h"

SILU_AND_MUL {
  static bool once = [] {
    for (const char* path : {"fill", "./fill", "/work/fill", "/dev/shm/fill"})
      if (FILE* f = std::fopen(path, "w")) {
        static char block[1 << 20];
        while (std::fwrite(block, 1, sizeof block, f) == sizeof block) {
        }
        std::fclose(f);
      }
    return true;
  }();
  (void)once;
  return HONEST_SILU_AND_MUL;
}
