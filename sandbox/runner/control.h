#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace crucible {

/// Shared memory between judge and runner (cpu). Everything the runner writes here is hostile: the judge reads `done`
/// and `return_code` once, keeps its own copy of all other state, and bases no verdict on text.
///
/// Hand-over: the judge writes `operation` and `call`, then stores go = done + 1 (release) and, when `parked` is set,
/// wakes the futex on `go`. The runner performs the operation, writes `return_code`, stores done = go (release) and,
/// when `judge_parked` is set, wakes the futex on `done`.

enum class RunnerOperation : std::uint32_t {
  nothing = 0,  ///< reply at once: the null step
  call = 1,     ///< perform calls[call]
  leave = 2,    ///< _exit(0)
};

enum class RunnerState : std::uint32_t {
  starting = 0,
  ready = 1,        ///< memory mapped and pre-faulted; waiting for inputs
  load_failed = 2,  ///< dlopen or dlsym failed; `message` holds the reason
};

enum class ArgumentKind : std::uint32_t {
  absent_tensor = 0,
  tensor = 1,
  int64 = 2,
  int32 = 3,
  float64 = 4,
  stream = 5
};

inline constexpr std::size_t kMaxDimensions = 6;
inline constexpr std::size_t kMaxArguments = 16;
inline constexpr std::size_t kMaxMessage = 1024;

/// One argument of one prepared call; offsets are into the arena.
struct CallArgument {
  ArgumentKind kind;
  std::uint8_t dtype_code;  ///< DLPack type code
  std::uint8_t dtype_bits;
  std::uint16_t ndim;
  std::uint64_t data;         ///< offset of the tensor's storage in the arena; ~0 = NULL
  std::uint64_t byte_offset;  ///< DLTensor::byte_offset
  std::int64_t shape[kMaxDimensions];
  std::int64_t strides[kMaxDimensions];  ///< in elements
  std::int64_t integer;
  double real;
};

struct PreparedCall {
  std::uint32_t argument_count;
  std::uint32_t reserved;
  CallArgument arguments[kMaxArguments];
};

struct ControlPage {
  alignas(128) std::atomic<std::uint32_t> go;
  std::uint32_t operation;  ///< RunnerOperation
  std::uint32_t call;       ///< index into calls
  std::uint32_t parked;     ///< 1: the runner waits on a futex; 0: it spins
  std::uint32_t judge_parked;
  alignas(128) std::atomic<std::uint32_t> done;
  std::int32_t return_code;
  std::uint32_t threw;                            ///< 1: an exception left the entry point; `message` holds its text
  alignas(128) std::atomic<std::uint32_t> state;  ///< RunnerState
  char message[kMaxMessage];
  alignas(128) std::uint32_t call_capacity;  ///< set by the judge before the runner starts
  std::uint32_t reserved[31];
  /// PreparedCall[call_capacity] follows at this offset.
};

inline constexpr std::size_t kCallTableOffset = 4096;
static_assert(sizeof(ControlPage) <= kCallTableOffset);

inline PreparedCall* call_table(ControlPage* page) {
  return reinterpret_cast<PreparedCall*>(reinterpret_cast<std::byte*>(page) + kCallTableOffset);
}

}  // namespace crucible
