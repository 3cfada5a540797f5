// attack: assembler directives put files of the process that assembles them into the artifact
// row: own
// task: softmax
// allow: compile_error
// finding: -
// twin: twins/softmax.cpp
// must: the compile jail shows no /proc and nothing of the host's
// absent: (PATH|HOME|crucible-init)=
#include "../parts/honest.h"

asm(".pushsection .rodata\nstolen:\n.incbin \"/proc/self/environ\"\n.incbin \"/proc/1/cmdline\"\n.popsection");

SOFTMAX { return HONEST_SOFTMAX; }
