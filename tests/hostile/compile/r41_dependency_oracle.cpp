// attack: asks by a pragma whether a file is newer than the source
// row: 41
// task: softmax
// allow: compile_error
// finding: -
// twin: twins/softmax.cpp
// must: no file outside the toolchain exists
// absent: is older than|newer than
#pragma GCC dependency "/etc/passwd"
#pragma GCC dependency "/etc/hostname"
#error end
