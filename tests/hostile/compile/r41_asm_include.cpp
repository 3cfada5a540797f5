// attack: includes /etc/passwd as assembly, whose errors print it
// row: 41
// task: softmax
// allow: compile_error
// finding: -
// twin: twins/softmax.cpp
// must: the assembler sees no more than the compiler
// absent: root:[^ ]*:|daemon:
asm(".include \"/etc/passwd\"");
extern "C" int softmax() { return 7; }
