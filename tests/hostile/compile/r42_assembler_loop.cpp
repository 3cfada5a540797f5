// attack: repeats assembly a billion times
// row: 42
// task: softmax
// allow: compile_error, compile_timeout
// finding: -
// twin: twins/softmax.cpp
// must: bounded time and memory
// within: 45
asm(".rept 1000000000\n nop\n.endr\n");
extern "C" int softmax() { return 7; }
