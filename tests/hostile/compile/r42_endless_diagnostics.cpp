// attack: thousands of errors of long lines
// row: 42
// task: rms_norm
// allow: compile_error
// finding: -
// twin: twins/rms_norm.cpp
// must: bounded diagnostics, cut at a whole character
// within: 45
#define E10 E E E E E E E E E E
#define E100 E10 E10 E10 E10 E10 E10 E10 E10 E10 E10
#define E int 変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数変数 = 未知未知未知未知未知未知未知未知未知未知未知未知;
E100
E100
