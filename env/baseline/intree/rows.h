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
    constexpr std::uintptr_t kLine = 64;
    if (const std::uintptr_t misaligned = (std::uintptr_t)out % kLine) {
      const std::int64_t gap = (std::int64_t)((kLine - misaligned) / sizeof(T)), head = gap < length ? gap : length;
      for (; i + kLanes <= head; i += kLanes) store(out + i, value(i));
      if (i < head) store_partial(out + i, partial(i, head - i), head - i);
      i = head;
    }
    for (; i + 2 * kLanes <= length; i += 2 * kLanes) stream_pair(out + i, value(i), value(i + kLanes));
  } else {
    for (; i + 2 * kLanes <= length; i += 2 * kLanes) store_pair(out + i, value(i), value(i + kLanes));
  }
  if (i + kLanes <= length) {
    store(out + i, value(i));
    i += kLanes;
  }
  if (i < length) store_partial(out + i, partial(i, length - i), length - i);
}

/// As write_row for operators that treat every element alike: `value(get)` computes from `get(pointer)`, which reads
/// the elements of a row (of out's type) that are being written.
template <Write kWrite, class T, class Value>
CRUCIBLE_INLINE void write_each(T* out, std::int64_t length, Value value) {
  std::int64_t i = 0;
  const auto part = [&](std::int64_t n) {
    store_partial(out + i, value([&](const T* from) { return load_partial(from + i, n); }), n);
    i += n;
  };
  const auto whole = [&] {
    store(out + i, value([&](const T* from) { return load(from + i); }));
    i += kLanes;
  };
  const auto two = [&] {
    return Two{value([&](const T* from) { return load_two(from + i).a; }),
               value([&](const T* from) { return load_two(from + i).b; })};
  };
  if constexpr (kWrite == Write::streamed) {
    constexpr std::uintptr_t kLine = 64;
    if (const std::uintptr_t misaligned = (std::uintptr_t)out % kLine) {
      const std::int64_t gap = (std::int64_t)((kLine - misaligned) / sizeof(T)), head = gap < length ? gap : length;
      while (i + kLanes <= head) whole();
      if (i < head) part(head - i);
    }
    for (; i + 2 * kLanes <= length; i += 2 * kLanes) stream_two(out + i, two());
  } else {
    for (; i + 2 * kLanes <= length; i += 2 * kLanes) store_two(out + i, two());
  }
  if (i + kLanes <= length) whole();
  if (i < length) part(length - i);
}

/// Sum by blocks: `two(i)` gives the terms of 2·kLanes elements from i, `partial(i, n)` those of n ≤ kLanes.
template <class TwoTerms, class Partial>
CRUCIBLE_INLINE double blocked_sum_of(std::int64_t length, TwoTerms two, Partial partial) {
  double total = 0;
  std::int64_t i = 0;
  while (i < length) {
    VecF block{};
    for (std::int64_t blocks = 0; blocks < kBlocks && i < length; ++blocks) {
      Two low{}, high{};
      const std::int64_t end = length - i > 4 * kTerms * kLanes ? i + 4 * kTerms * kLanes : length;
      for (; i + 4 * kLanes <= end; i += 4 * kLanes) {
        const Two x = two(i), y = two(i + 2 * kLanes);
        low.a += x.a;
        low.b += x.b;
        high.a += y.a;
        high.b += y.b;
      }
      for (; i < end; i += kLanes) low.a += partial(i, end - i < kLanes ? end - i : kLanes);
      i = end;
      block += (low.a + low.b) + (high.a + high.b);
    }
    total += sum_of_lanes(block);
  }
  return total;
}

/// The same where terms are taken in order: `term(i)` over whole vectors.
template <class Term, class Partial>
CRUCIBLE_INLINE double blocked_sum(std::int64_t length, Term term, Partial partial) {
  return blocked_sum_of(
      length,
      [&](std::int64_t i) {
        return Two{term(i), term(i + kLanes)};
      },
      [&](std::int64_t i, std::int64_t n) { return n == kLanes ? term(i) : partial(i, n); });
}

}  // namespace crucible::baseline::CRUCIBLE_ISA
