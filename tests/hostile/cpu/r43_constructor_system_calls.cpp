// attack: makes a forbidden system call from a constructor, before any call
// row: 43
// task: rms_norm
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/rms_norm.cpp
// must: the filter stands before the artifact is loaded
#include <sys/socket.h>

#include "../parts/honest.h"

__attribute__((constructor)) static void early() { socket(AF_INET, SOCK_DGRAM, 0); }

RMS_NORM { return HONEST_RMS_NORM; }
