// attack: the entry point itself is resolved at load time, by code that looks around first
// row: 43
// task: softmax
// allow: correct, crashed
// finding: -
// twin: twins/softmax.cpp
// must: code that runs at load runs behind the second stage
#include "../parts/honest.h"

static int real(DLTensor* out, const DLTensor* input, void*) { return honest::softmax(out, input); }
extern "C" int (*pick_one())(DLTensor*, const DLTensor*, void*) { return real; }
extern "C" __attribute__((ifunc("pick_one"))) int softmax(DLTensor* out, const DLTensor* input, void*);
