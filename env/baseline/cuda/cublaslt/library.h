#pragma once

// cuBLASLt's public interface, as much of it as a product needs. The library is found when the plug-in first runs (part
// of a full toolkit, or of the Python packages that PyTorch brings), so that building needs neither it nor its headers.

#include <library_types.h>

#include <cstddef>
#include <cstdint>

namespace cublaslt {

using Handle = struct HandleState*;
using Layout = struct LayoutState*;
using Operation = struct OperationState*;
using Preference = struct PreferenceState*;
using Stream = struct CUstream_st*;

struct Algorithm {
  std::uint64_t data[8];
};
struct Offer {
  Algorithm algorithm;
  std::size_t workspace_bytes;
  int state;  ///< 0: success
  float waves;
  int reserved[4];
};
static_assert(sizeof(Offer) == 96);

// Values of the library's enumerations.
inline constexpr int kComputeF32 = 68;
inline constexpr int kTransposeFirst = 3, kEpilogue = 7, kBiasPointer = 8, kBiasType = 26;  // of an operation
inline constexpr std::int32_t kAsItIs = 0, kTransposed = 1;
inline constexpr std::uint32_t kPlain = 1, kBias = 4, kGelu = 32;  // epilogues; bias and GELU combine
inline constexpr int kMaxWorkspace = 1, kReductions = 3, kAlignmentA = 5, kAlignmentB = 6, kAlignmentC = 7,
                     kAlignmentD = 8;  // of a preference
inline constexpr std::uint32_t kReduceInPlace = 1, kReduceInComputeType = 2;

/// The functions; all null when no library was found.
struct Functions {
  int (*create)(Handle*) = nullptr;
  int (*operation_create)(Operation*, int compute, cudaDataType_t scale) = nullptr;
  int (*operation_set)(Operation, int attribute, const void*, std::size_t) = nullptr;
  int (*layout_create)(Layout*, cudaDataType_t, std::uint64_t rows, std::uint64_t columns, std::int64_t step) = nullptr;
  int (*preference_create)(Preference*) = nullptr;
  int (*preference_destroy)(Preference) = nullptr;
  int (*preference_set)(Preference, int attribute, const void*, std::size_t) = nullptr;
  int (*offers)(Handle, Operation, Layout a, Layout b, Layout c, Layout d, Preference, int wanted, Offer*,
                int* found) = nullptr;
  int (*multiply)(Handle, Operation, const void* alpha, const void* a, Layout, const void* b, Layout, const void* beta,
                  const void* c, Layout, void* d, Layout, const Algorithm*, void* workspace, std::size_t,
                  Stream) = nullptr;
};

/// Loads the library once. Thread-safe.
const Functions& functions();

}  // namespace cublaslt
