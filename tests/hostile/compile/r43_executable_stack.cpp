// attack: asks the linker for an executable stack
// row: 43
// task: silu_and_mul
// allow: correct, load_error, compile_error
// finding: -
// twin: twins/silu_and_mul.cpp
// must: the note is overruled
asm(".section .note.GNU-stack,\"x\",@progbits\n.text\n");
#include "../parts/honest.h"

SILU_AND_MUL { return HONEST_SILU_AND_MUL; }
