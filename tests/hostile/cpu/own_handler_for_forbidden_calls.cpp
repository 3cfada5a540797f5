// attack: catches SIGSYS, so that a forbidden call would only be a signal
// row: own
// task: rms_norm
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/rms_norm.cpp
// must: the call is seen from outside and never returns
#include <setjmp.h>
#include <signal.h>
#include <sys/socket.h>

#include "../parts/honest.h"

static sigjmp_buf back;

RMS_NORM {
  struct sigaction action {};
  action.sa_handler = [](int) { siglongjmp(back, 1); };
  action.sa_flags = SA_NODEFER;
  sigaction(SIGSYS, &action, nullptr);
  if (sigsetjmp(back, 1) == 0) socket(AF_INET, SOCK_STREAM, 0);
  return HONEST_RMS_NORM;
}
