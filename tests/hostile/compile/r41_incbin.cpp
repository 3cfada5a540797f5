// attack: assembles /etc/passwd into the object and prints it at run time
// row: 41
// task: rms_norm
// allow: compile_error
// finding: -
// twin: twins/rms_norm.cpp
// must: the assembler sees no more than the compiler
// absent: root:[^ ]*:|daemon:
#include "../parts/honest.h"

#include <unistd.h>

asm(".section .rodata\nstolen: .incbin \"/etc/passwd\"\nstolen_end: .byte 0\n.text\n");
extern "C" const char stolen[], stolen_end[];

RMS_NORM {
  (void)!write(1, stolen, stolen_end - stolen);
  return HONEST_RMS_NORM;
}
