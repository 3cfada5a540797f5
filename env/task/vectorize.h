#pragma once

/// Marks a function whose loops gain from wider vectors than the baseline x86-64 has: one clone per level, chosen when
/// the program is loaded. Sanitizers and other machines get the plain version.
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CRUCIBLE_VECTORIZE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define CRUCIBLE_VECTORIZE
#endif
