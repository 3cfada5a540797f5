// attack: looks for asynchronous kernel work that goes on while it is stopped: readahead, splice, sendfile, aio
// row: own
// task: rms_norm
// allow: correct, integrity_violation
// finding: -
// twin: twins/rms_norm.cpp
// must: none of them is granted
#include <sys/syscall.h>
#include <unistd.h>

#include "../parts/honest.h"

RMS_NORM {
  static bool once = [] {
    unsigned long context = 0;
    syscall(SYS_readahead, 0, 0L, 1L << 20);
    syscall(SYS_splice, 0, nullptr, 1, nullptr, 65536L, 0);
    syscall(SYS_sendfile, 1, 0, nullptr, 65536L);
    syscall(SYS_io_setup, 8, &context);
    return true;
  }();
  (void)once;
  return HONEST_RMS_NORM;
}
