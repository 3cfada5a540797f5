// attack: claims that its lines come from /etc/passwd, so that the caret of an error prints that file
// row: 41
// task: rms_norm
// allow: compile_error
// finding: -
// twin: twins/rms_norm.cpp
// must: the file is not in the compiler's view
// absent: root:[^ ]*:|daemon:
#line 1 "/etc/passwd"
int broken = ;
#line 2 "/etc/passwd"
int broken2 = ;
