// attack: defines and exports symbols that the runner, libc and the loader use themselves
// row: 43
// task: rms_norm
// allow: correct, crashed, load_error, compile_error
// finding: -
// twin: twins/rms_norm.cpp
// must: symbols of an artifact stay local to it
#include "../parts/honest.h"

extern "C" {
int main() { return 0; }
long syscall(long, ...) noexcept { return 0; }
void* dlsym(void*, const char*) noexcept { return nullptr; }
int* __errno_location() noexcept {
  static int e;
  return &e;
}
}

RMS_NORM { return HONEST_RMS_NORM; }
