// attack: switches fast-math on by pragma
// row: 43
// task: softmax
// allow: correct, wrong_result, compile_error
// finding: -
// twin: twins/softmax.cpp
// must: values decide: where NaN and Inf go wrong, it is wrong
#pragma GCC optimize("fast-math")
#include "../parts/honest.h"

SOFTMAX { return HONEST_SOFTMAX; }
