#pragma once

namespace crucible {

// The C library's functions differ in the last bit between versions and processors; a reward must be paid again bit for
// bit on any machine. These use only IEEE operations in a fixed order (compile with -ffp-contract=off), and are
// accurate to a few units in the last place, which is far more than a reward needs.

/// log2 x for finite x > 0; exact for powers of two.
double portable_log2(double x);

/// 2^x for |x| ≤ 1000.
double portable_exp2(double x);

/// tanh x; absolute error below 1e-15.
double portable_tanh(double x);

}  // namespace crucible
