// attack: an initialised array of a gigabyte
// row: 42
// task: rms_norm
// allow: compile_error, compile_timeout
// finding: -
// twin: twins/rms_norm.cpp
// must: bounded file size
// within: 45
int giant[256 << 20] = {1};
extern "C" int rms_norm() { return giant[5]; }
