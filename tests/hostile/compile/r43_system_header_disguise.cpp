// attack: claims by line markers and pragmas that its text is a system header
// row: 43
// task: softmax
// allow: correct
// finding: -
// twin: twins/softmax.cpp
// must: only files that the compiler really read count as headers, so that the text is still its own
#include "../parts/honest.h"
# 1 "/usr/include/c++/12/cmath" 1 3
#pragma GCC system_header
SOFTMAX { return HONEST_SOFTMAX; }
# 40 "candidate.cpp" 2
