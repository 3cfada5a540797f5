// attack: doubles text at every level of macros
// row: 42
// task: softmax
// allow: compile_error, compile_timeout
// finding: -
// twin: twins/softmax.cpp
// must: bounded time and memory
// within: 45
#define A(x) x x x x x x x x x x
#define B(x) A(A(x))
#define C(x) B(B(x))
int y = 0
C(C(+ 1));
extern "C" int softmax() { return y; }
