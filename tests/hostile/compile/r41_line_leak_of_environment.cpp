// attack: lets the diagnostics print /proc/self/environ, /proc/1/environ and /proc/self/maps
// row: 41
// task: softmax
// allow: compile_error
// finding: -
// twin: twins/softmax.cpp
// must: the compiler starts from an empty environment and has no /proc
// absent: SECRET|HOME=/root|TOKEN|[0-9a-f]{8}-[0-9a-f]{8} r-xp
#line 1 "/proc/self/environ"
int broken = ;
#line 1 "/proc/1/environ"
int broken1 = ;
#line 1 "/proc/self/maps"
int broken2 = ;
