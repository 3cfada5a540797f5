// attack: includes /dev/stdin and waits for input
// row: 41
// task: softmax
// allow: compile_error, compile_timeout
// finding: -
// twin: twins/softmax.cpp
// must: there is no input to wait for
// within: 45
#include "/dev/stdin"
#include "/proc/self/fd/0"
#include "/dev/fd/3"
extern "C" int softmax() { return 7; }
