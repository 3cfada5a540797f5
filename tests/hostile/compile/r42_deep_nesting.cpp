// attack: nests parentheses until the parser's stack ends
// row: 42
// task: rms_norm
// allow: compile_error, compile_timeout
// finding: -
// twin: twins/rms_norm.cpp
// must: a compiler that crashes is a compile error
// within: 45
#define P1(x) ((((((((((x))))))))))
#define P2(x) P1(P1(P1(P1(P1(P1(P1(P1(P1(P1(x))))))))))
#define P3(x) P2(P2(P2(P2(P2(P2(P2(P2(P2(P2(x))))))))))
#define P4(x) P3(P3(P3(P3(P3(P3(P3(P3(P3(P3(x))))))))))
#define P5(x) P4(P4(P4(P4(P4(P4(P4(P4(P4(P4(x))))))))))
int deep = P5(1);
extern "C" int rms_norm() { return deep + undeclared; }
