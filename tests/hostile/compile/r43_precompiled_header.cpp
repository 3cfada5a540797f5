// attack: asks for a precompiled header from a path of its choice
// row: 43
// task: rms_norm
// allow: compile_error, correct
// finding: -
// twin: twins/rms_norm.cpp
// must: no such file is in view
#pragma GCC pch_preprocess "/etc/passwd"
#include "../parts/honest.h"

RMS_NORM { return HONEST_RMS_NORM; }
