// attack: asks for unsafe arithmetic function by function, by attribute and by option stack, where flags are fixed
// row: own
// task: silu_and_mul
// allow: correct, wrong_result
// finding: -
// twin: twins/silu_and_mul.cpp
// must: whatever the arithmetic, results meet the same bars
#pragma GCC push_options
#pragma GCC optimize("Ofast", "associative-math", "no-trapping-math")
#include "../parts/honest.h"

#pragma GCC pop_options

__attribute__((optimize("Ofast,unsafe-math-optimizations"))) SILU_AND_MUL { return HONEST_SILU_AND_MUL; }
