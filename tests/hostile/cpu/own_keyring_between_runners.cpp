// attack: keeps rows in the session's keyring, where a later runner of the same user finds them
// row: own
// task: rms_norm
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/rms_norm.cpp
// must: forbidden and named
#include <sys/syscall.h>
#include <unistd.h>

#include "../parts/honest.h"

RMS_NORM {
  const int result = HONEST_RMS_NORM;
  syscall(SYS_add_key, "user", "row", static_cast<char*>(out->data) + out->byte_offset, 32, -4);
  return result;
}
