#pragma once

// Work that the judge gives the device in batches: one kernel launch performs an array of jobs (grid.y). Plain C,
// shared with judge_kernels.cu. Addresses are device addresses in the judge's own mappings.

#include <stdint.h>

/// A pool entry's rows as they are dealt: dealt row r is the entry's row (multiplier·r + offset) mod rows, with its
/// sign bits flipped when `negate` names a floating type's width in bits.
struct CrucibleDealtRows {
  uint64_t source;  ///< first byte of the entry's first row
  uint64_t pitch;   ///< bytes between the entry's rows
  uint64_t width;   ///< bytes per row
  uint32_t rows;
  uint32_t multiplier;
  uint32_t offset;
  uint32_t negate;  ///< 0, 16 or 32
};

enum CrucibleJobKind {
  CRUCIBLE_JOB_DEAL = 0,     ///< write the dealt rows to `target`
  CRUCIBLE_JOB_SEAL = 1,     ///< write them encrypted to `target` (full deals; rows are adjacent there)
  CRUCIBLE_JOB_COMPARE = 2,  ///< count dealt bytes (in words of 2) that `target` does not hold
  CRUCIBLE_JOB_FILL = 3,     ///< write `pattern`, repeated, to `target`
  CRUCIBLE_JOB_VERIFY = 4,   ///< count bytes (in words of 4) of `target` that do not hold `pattern`
  CRUCIBLE_JOB_SHUFFLE = 5,  ///< write the elements of `dealt` (one row) to `target` in another order, with other signs
};

struct CrucibleJob {
  struct CrucibleDealtRows dealt;  ///< FILL and VERIFY use width·rows as the number of bytes
  uint64_t target;
  uint64_t target_pitch;  ///< SHUFFLE: bytes of a piece that moves: one element, or 16
  uint64_t key;           ///< SEAL; SHUFFLE: of the signs, which stay when it is 0
  uint64_t pattern;       ///< FILL, VERIFY
  uint64_t counter;       ///< address of an unsigned 64-bit count
  uint32_t kind;
  uint32_t region;  ///< SEAL; SHUFFLE: bytes of one element (1, 2 or 4; the sign is its highest bit)
};

/// Seals 16 secret bytes of each row in place, or compares samples with what the output holds: see deal.cu.
struct CrucibleRowJob {
  uint64_t live;
  uint64_t pitch;
  uint64_t width;
  uint64_t hidden;
  uint64_t key;
  uint64_t counter;
  uint32_t rows;
  uint32_t region;
  uint32_t decoy[4];
  uint32_t compare;  ///< 0: seal, 1: compare
  uint32_t reserved;
};

enum CrucibleRowOperation {
  CRUCIBLE_RMS_NORM = 0,
  CRUCIBLE_FUSED_ADD_RMS_NORM = 1,
  CRUCIBLE_LAYER_NORM = 2,
  CRUCIBLE_SILU_AND_MUL = 3,
  CRUCIBLE_SOFTMAX = 4,
};

enum CrucibleElement {
  CRUCIBLE_F32 = 0,
  CRUCIBLE_F16 = 1,
  CRUCIBLE_BF16 = 2,
  CRUCIBLE_F8E4M3 = 3,
  CRUCIBLE_I32 = 4,
  CRUCIBLE_I64 = 5,
};

/// fp64 truth of a row-wise task, computed from the dealt inputs and compared with an output where it lies. The
/// formulas are those of env/reference; tests hold them together.
struct CrucibleOracleJob {
  struct CrucibleDealtRows input;     ///< silu_and_mul: rows of 2·columns elements
  struct CrucibleDealtRows residual;  ///< fused_add_rms_norm
  uint64_t weight;                    ///< columns elements, or 0
  uint64_t bias;                      ///< columns elements, or 0
  uint64_t output;                    ///< fused_add_rms_norm: the normalised tensor
  uint64_t output_pitch;
  uint64_t residual_output;  ///< fused_add_rms_norm
  uint64_t residual_pitch;
  uint64_t verdict;  ///< address of a CrucibleOracleVerdict per output (two of them for fused_add_rms_norm)
  double epsilon;
  double max_eta;
  uint32_t operation;
  uint32_t element;
  uint32_t columns;
  uint32_t reserved;
};

/// Zeroed by the host before the jobs run.
struct CrucibleOracleVerdict {
  uint64_t largest_eta;  ///< bits of a non-negative double; +Inf when a class disagrees
  uint64_t rejected;     ///< elements with η above the bar
  double squares;        ///< Σ η² over finite elements
  uint64_t finite;
  uint64_t first_rejected;  ///< ~dense index of the first rejected element, maximised; 0 when there is none
};
