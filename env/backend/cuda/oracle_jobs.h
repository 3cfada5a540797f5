#pragma once

// What the host tells the oracles of tasks on tensors of up to four axes (task_oracle.cu): fp64 truth, recomputed from
// what was dealt and compared with every output where it lies. Plain C, shared with device code. The formulas are those
// of env/reference; tests hold them together.

#include <stdint.h>

#include "env/backend/cuda/judge_jobs.h"

#define CRUCIBLE_ORACLE_AXES 4
#define CRUCIBLE_ORACLE_TENSORS 8
#define CRUCIBLE_ORACLE_OUTPUTS 2

/// A tensor in device memory. Its axis 0 may lie in another order than the call saw: index i there is index
/// (multiplier·i + offset) mod rows here.
struct CrucibleOracleTensor {
  uint64_t base;  ///< first element; 0: absent, or nothing to read here
  int64_t shape[CRUCIBLE_ORACLE_AXES];
  int64_t stride[CRUCIBLE_ORACLE_AXES];  ///< elements
  uint32_t element;                      ///< CrucibleElement
  uint32_t rows;                         ///< 0: in the call's order
  uint32_t multiplier;
  uint32_t offset;
};

enum CrucibleTaskOperation {
  CRUCIBLE_GEMM = 0,
  CRUCIBLE_GEMM_GELU = 1,
  CRUCIBLE_ROTARY_EMBEDDING = 2,
  CRUCIBLE_TOPK_SOFTMAX = 3,
  CRUCIBLE_PAGED_DECODE_ATTENTION = 4,
  CRUCIBLE_EMBEDDING = 5,
  CRUCIBLE_MOE_SUM = 6,
  CRUCIBLE_MERGE_ATTN_STATES = 7,
  CRUCIBLE_RESHAPE_AND_CACHE = 8,
  CRUCIBLE_PER_TOKEN_GROUP_QUANT_FP8 = 9,
  CRUCIBLE_MOE_ALIGN_BLOCK_SIZE = 10,
};

/// One call to judge. Tensors are numbered in the order of the entry point, absent ones included. `before` holds inputs
/// and inout tensors as they were dealt, `after` outputs and inout tensors as the call left them.
struct CrucibleTaskJob {
  struct CrucibleOracleTensor before[CRUCIBLE_ORACLE_TENSORS];
  struct CrucibleOracleTensor after[CRUCIBLE_ORACLE_TENSORS];
  double real;         ///< the call's floating scalar
  int64_t integer[2];  ///< its integer scalars, in order
  double max_eta;
  uint64_t verdict;  ///< address of CRUCIBLE_ORACLE_OUTPUTS CrucibleOracleVerdicts, in the order of outputs
  uint32_t operation;
  uint32_t row_step;   ///< products: every row_step-th row is judged, from row_first on; 1: all
  uint32_t row_first;  ///< below row_step; drawn when the call is over
  uint32_t reserved;
};
