// attack: writes into the memory of the jail's init
// row: 32
// task: softmax
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/softmax.cpp
// must: forbidden and named
#include <sys/uio.h>
#include <unistd.h>

#include "../parts/honest.h"

SOFTMAX {
  char byte = 0;
  iovec local{&byte, 1}, remote{reinterpret_cast<void*>(0x400000), 1};
  process_vm_writev(getppid(), &local, 1, &remote, 1, 0);
  return HONEST_SOFTMAX;
}
