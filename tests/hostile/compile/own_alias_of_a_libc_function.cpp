// attack: the entry point is an alias of a function of libc that returns 0 for any argument
// row: own
// task: rms_norm
// allow: compile_error, wrong_result, load_error, crashed
// finding: -
// twin: twins/rms_norm.cpp
// must: an entry point that does nothing is wrong, wherever its code lies
#include "../parts/honest.h"

extern "C" int issetugid_like() { return 0; }
extern "C" __attribute__((alias("issetugid_like"))) int rms_norm(DLTensor*, const DLTensor*, const DLTensor*, double,
                                                                void*);
