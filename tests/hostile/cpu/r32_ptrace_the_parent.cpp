// attack: attaches to its parent, the jail's init
// row: 32
// task: rms_norm
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/rms_norm.cpp
// must: forbidden and named
#include <sys/ptrace.h>
#include <unistd.h>

#include "../parts/honest.h"

RMS_NORM {
  ptrace(PTRACE_ATTACH, getppid(), nullptr, nullptr);
  return HONEST_RMS_NORM;
}
