// attack: includes /etc/passwd under a name made by macros and by a relative path
// row: 41
// task: softmax
// allow: compile_error
// finding: -
// twin: twins/softmax.cpp
// must: the file is not in the compiler's view
// absent: root:[^ ]*:|daemon:
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define PATH ../../../../../../etc/passwd
#include TEXT(PATH)
