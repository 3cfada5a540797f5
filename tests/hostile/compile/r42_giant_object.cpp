// attack: asks the assembler for gigabytes of zeros
// row: 42
// task: softmax
// allow: compile_error, compile_timeout
// finding: -
// twin: twins/softmax.cpp
// must: bounded file size
// within: 45
asm(".data\n.fill 0x7fffffff, 1, 65\n.fill 0x7fffffff, 1, 66\n.text\n");
extern "C" int softmax() { return 7; }
