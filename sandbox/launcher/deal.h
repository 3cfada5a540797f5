#pragma once

// Parameters of the trusted device code (deal.cu), shared with the host code that fills them in. Plain C, so that the
// device compiler reads nothing else.

#include <stdint.h>

#define CRUCIBLE_MAX_DEALT_INPUTS 8
#define CRUCIBLE_MAX_DEALT_OUTPUTS 4

/// One piece of memory that a deal reveals or collects. Full: `rows` is 1 and `width` the whole storage in bytes.
/// Light: 16 bytes at a secret column of each of `rows` rows that lie `pitch` bytes apart; `width` is the row's length,
/// ≥ 16.
struct CrucibleDealt {
  uint64_t live;    ///< where the candidate reads or writes
  uint64_t hidden;  ///< sealed bytes of an input, or where a collected output goes
  uint64_t pitch;
  uint64_t width;
  uint32_t rows;
  uint32_t poison;  ///< output, full deals: poison it again after it was collected
};

/// One deal: first collect the previous call's outputs, then reveal the next call's inputs. `key` exists nowhere else
/// on the device.
struct CrucibleDeal {
  uint64_t key;           ///< of the inputs revealed now, and of their columns (light)
  uint64_t previous_key;  ///< columns of the outputs collected now (light)
  uint64_t poison;        ///< 8 bytes of poison
  uint32_t inputs;
  uint32_t outputs;
  struct CrucibleDealt input[CRUCIBLE_MAX_DEALT_INPUTS];
  struct CrucibleDealt output[CRUCIBLE_MAX_DEALT_OUTPUTS];
};

#if defined(__CUDACC__)
#define CRUCIBLE_HD __host__ __device__
#else
#define CRUCIBLE_HD
#endif

/// 64 bits of key stream. It can be inverted, so no two deals share a key and no key is derived from another.
static inline CRUCIBLE_HD uint64_t crucible_stream(uint64_t key, uint64_t index) {
  uint64_t x = key + index * 0x9E3779B97F4A7C15ull;
  x ^= x >> 32;
  x *= 0xD6E8FEB86659FD93ull;
  x ^= x >> 32;
  x *= 0xD6E8FEB86659FD93ull;
  x ^= x >> 32;
  return x;
}

/// Byte offset in a row of the 16 secret bytes of region `region`: a multiple of 16 that fits into `width`.
static inline CRUCIBLE_HD uint64_t crucible_column(uint64_t key, uint32_t region, uint64_t width) {
  return crucible_stream(key ^ 0xA5A5F00DD00F5A5Aull, 0x10000u + region) % (width / 16) * 16;
}
