// attack: includes its own output files and the folder it is compiled in
// row: 41
// task: rms_norm
// allow: compile_error
// finding: -
// twin: twins/rms_norm.cpp
// must: nothing of value lies there
#include "candidate.ii"
#include "./candidate.s"
#include "."
