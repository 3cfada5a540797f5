#pragma once

#include <omp.h>

#include <cstdint>

#include "env/baseline/intree/simd.h"
#include "env/baseline/tensor.h"

namespace crucible::baseline::CRUCIBLE_ISA {

/// Work below this many bytes of memory traffic is not worth waking a thread for (a wake-up costs some 5-50 us).
inline constexpr std::int64_t kParallelBytes = 256 * 1024;

/// Outputs larger than this leave the caches before anybody reads them: write past them, which saves reading the lines.
inline constexpr std::int64_t kStreamBytes = 1024 * 1024;

/// Sums have three levels, so that rounding does not grow with the length: four running sums of kTerms vectors, a
/// running sum of kBlocks such blocks, and a double over those.
inline constexpr std::int64_t kTerms = 8, kBlocks = 32;

/// Calls `visit(row)` for every row, on all threads when the work is large enough. `bytes` is the whole traffic.
template <class Visit>
CRUCIBLE_INLINE void for_each_row(std::int64_t rows, std::int64_t bytes, Visit visit) {
  if (bytes >= kParallelBytes && rows > 1 && omp_get_max_threads() > 1) {
#pragma omp parallel
    {
#pragma omp for schedule(static) nowait
      for (std::int64_t row = 0; row < rows; ++row) visit(row);
      store_fence();
    }
  } else {
    for (std::int64_t row = 0; row < rows; ++row) visit(row);
    store_fence();
  }
}

/// How a row is written: elements at [0, head) and [tail, length) one vector or less at a time, those between by whole
/// aligned vectors when streaming.
enum class Write : std::uint8_t { cached, streamed };

/// Calls `value(i)` for the vector that starts at element i, `partial(i, n)` for a shorter piece, and writes the
/// results.
template <Write kWrite, class T, class Value, class Partial>
CRUCIBLE_INLINE void write_row(T* out, std::int64_t length, Value value, Partial partial) {
  std::int64_t i = 0;
  if constexpr (kWrite == Write::streamed) {
    const std::uintptr_t misaligned = (std::uintptr_t)out % (kLanes * sizeof(T));
    if (misaligned != 0) {
      std::int64_t head = (std::int64_t)((kLanes * sizeof(T) - misaligned) / sizeof(T));
      if (head > length) head = length;
      store_partial(out, partial(0, head), head);
      i = head;
    }
    for (; i + 2 * kLanes <= length; i += 2 * kLanes) {
      const VecF low = value(i), high = value(i + kLanes);
      stream(out + i, low);
      stream(out + i + kLanes, high);
    }
  } else {
    for (; i + 2 * kLanes <= length; i += 2 * kLanes) {
      const VecF low = value(i), high = value(i + kLanes);
      store(out + i, low);
      store(out + i + kLanes, high);
    }
  }
  if (i + kLanes <= length) {
    store(out + i, value(i));
    i += kLanes;
  }
  if (i < length) store_partial(out + i, partial(i, length - i), length - i);
}

/// Sum of `term(i)` over whole vectors and `partial(i, n)` over the rest, by blocks.
template <class Term, class Partial>
CRUCIBLE_INLINE double blocked_sum(std::int64_t length, Term term, Partial partial) {
  double total = 0;
  std::int64_t i = 0;
  while (i < length) {
    VecF block{};
    for (std::int64_t blocks = 0; blocks < kBlocks && i < length; ++blocks) {
      VecF a{}, b{}, c{}, d{};
      const std::int64_t end = length - i > 4 * kTerms * kLanes ? i + 4 * kTerms * kLanes : length;
      for (; i + 4 * kLanes <= end; i += 4 * kLanes) {
        a += term(i);
        b += term(i + kLanes);
        c += term(i + 2 * kLanes);
        d += term(i + 3 * kLanes);
      }
      for (; i + kLanes <= end; i += kLanes) a += term(i);
      if (i < end) {
        b += partial(i, end - i);
        i = end;
      }
      block += (a + b) + (c + d);
    }
    total += sum_of_lanes(block);
  }
  return total;
}

}  // namespace crucible::baseline::CRUCIBLE_ISA
