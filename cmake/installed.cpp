// Compiled into programs that link an installed crucible::env: where its helper executables are.
extern "C" {
[[gnu::visibility("hidden")]] extern const char* const crucible_installed_libexec;
const char* const crucible_installed_libexec = CRUCIBLE_LIBEXEC;
}
