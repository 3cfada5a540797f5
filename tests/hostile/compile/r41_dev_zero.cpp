// attack: includes /dev/zero
// row: 41
// task: rms_norm
// allow: compile_error, compile_timeout
// finding: -
// twin: twins/rms_norm.cpp
// must: bounded time and memory
// within: 45
#include "/dev/zero"
