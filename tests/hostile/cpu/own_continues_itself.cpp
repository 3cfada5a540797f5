// attack: queues SIGCONT for itself by rt_tgsigqueueinfo, to undo the judge's stop
// row: own
// task: softmax
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/softmax.cpp
// must: no signal that stops or continues can be sent from inside
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../parts/honest.h"

SOFTMAX {
  siginfo_t info{};
  info.si_signo = SIGCONT;
  info.si_code = SI_QUEUE;
  syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGCONT, &info);
  return HONEST_SOFTMAX;
}
