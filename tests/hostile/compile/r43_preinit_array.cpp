// attack: asks for code before every constructor, and for an interpreter of its own
// row: 43
// task: silu_and_mul
// allow: correct, compile_error, load_error, crashed
// finding: -
// twin: twins/silu_and_mul.cpp
// must: whatever runs at load runs behind the second stage
#include "../parts/honest.h"

static void early() { asm volatile(""); }
__attribute__((section(".preinit_array"), used)) static void (*first)() = early;
__attribute__((section(".interp"), used)) static const char interpreter[] = "/bin/sh";

SILU_AND_MUL { return HONEST_SILU_AND_MUL; }
