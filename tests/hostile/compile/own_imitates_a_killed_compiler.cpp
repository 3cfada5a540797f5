// attack: prints the lines that a compiler prints when it was killed, to be compiled for ever or to be nobody's fault
// row: own
// task: rms_norm
// allow: compile_error
// finding: -
// twin: twins/rms_norm.cpp
// must: compiled again a few times, then refused like any other error
static_assert(false, "\ng++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated.");
#error ld terminated with signal 9 [Killed]
#include "../parts/honest.h"

RMS_NORM { return HONEST_RMS_NORM; }
