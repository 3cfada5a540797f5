// attack: asks by __has_include which files exist
// row: 41
// task: rms_norm
// allow: compile_error
// finding: -
// twin: twins/rms_norm.cpp
// must: no file outside the toolchain exists
// absent: ORACLE-FOUND
#if __has_include("/etc/passwd") || __has_include("/root/.bashrc") || __has_include("/etc/hostname") || __has_include("/proc/self/environ")
#error ORACLE-FOUND
#else
#error nothing found
#endif
