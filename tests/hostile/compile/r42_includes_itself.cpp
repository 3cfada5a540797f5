// attack: includes itself twice at every level
// row: 42
// task: rms_norm
// allow: compile_error, compile_timeout
// finding: -
// twin: twins/rms_norm.cpp
// must: bounded time and diagnostics
// within: 45
#include __FILE__
#include __FILE__
extern "C" int rms_norm() { return 7; }
