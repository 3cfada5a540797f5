#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sandbox/file_descriptor.h"
#include "sandbox/runner/control.h"

namespace crucible {

/// What a CUDA worker (the jailed runner, or the trusted launcher) can be told; the first three are RunnerOperation's.
enum class CudaOperation : std::uint32_t {
  nothing = 0,  ///< reply at once
  call = 1,     ///< runner: perform calls[call] eagerly and wait for the device
  leave = 2,
  load_cubin = 16,     ///< runner: request = the cubin that we compiled; a second, pristine load explains globals
  record = 17,         ///< runner: request = three indices of calls; reply = an encoded LaunchRecord
  build_graph = 18,    ///< runner: capture calls[call] into a graph and keep it
  launch_graph = 19,   ///< runner: launch the kept graph and wait
  batch = 20,          ///< runner: request = indices of calls, made eagerly one after another, then wait
  load_artifact = 21,  ///< runner: request = entry point; the artifact's descriptor holds the shared object by now
  call_held = 22,      ///< runner: request = offset of a word; calls[call] behind a kernel that waits for the word
  settle = 23,         ///< runner: waits for the device
  load_candidate =
      32,              ///< launcher: request = cubin, LaunchRecord; reply = what its kernels take of the device, a text
  load_declared = 42,  ///< launcher: request = cubin, DeclaredCall; reply as load_candidate's
  load_module = 43,    ///< launcher: request = a cubin, for call_declared
  call_declared = 44,  ///< launcher: request = DeclaredCall; its launches on calls[call]'s tensors, waited for
  load_plugin = 33,    ///< launcher: request = path and entry point of a trusted baseline
  warm_plugin = 34,    ///< launcher: calls[call] once, eagerly
  build_chain = 35,    ///< launcher: request = ChainRequest
  rekey_chain = 36,    ///< launcher: request = the chain's deals anew
  drop_chain = 37,     ///< launcher: forgets chain number `call`
  prime = 38,          ///< launcher: one null kernel, waited for
  run_chain = 39,      ///< launcher: launches chain number `call` and waits
  probe = 40,          ///< launcher: the health probe
  elapsed = 41,        ///< launcher: reply = nanoseconds of the last run or probe by device events
};

/// Follows the call table in a CUDA worker's control memory. Bytes for requests and replies follow the header.
struct ExchangeHeader {
  std::uint64_t capacity;  ///< bytes that follow
  std::uint64_t request_bytes;
  std::uint64_t reply_bytes;
  std::uint64_t area_bytes[4];  ///< sizes of the device memory that the worker imports; 0: not given
  std::int32_t device;          ///< ordinal
  std::uint32_t reserved;
};

inline constexpr std::size_t kExchangeAlignment = 4096;

/// Where the ExchangeHeader of a control memory with `calls` prepared calls lies.
std::size_t exchange_offset(std::size_t calls);

/// A mapping of a control memfd, seen from either side.
class WorkerControl {
 public:
  /// Creates the memory (judge's side).
  static WorkerControl create(std::size_t calls, std::size_t exchange_bytes);
  /// Maps inherited memory (worker's side); throws std::system_error.
  static WorkerControl adopt(int descriptor);
  WorkerControl(WorkerControl&& other) noexcept;
  WorkerControl& operator=(WorkerControl&&) = delete;
  ~WorkerControl();

  ControlPage& page() const { return *page_; }
  std::span<PreparedCall> calls() const { return {call_table(page_), calls_}; }
  ExchangeHeader& exchange() const { return *exchange_; }
  int descriptor() const { return memory_.get(); }

  // Judge's side.
  void put_request(std::span<const std::byte> bytes);  ///< throws std::length_error when it does not fit
  std::vector<std::byte> take_reply() const;           ///< a private copy; a hostile length is cut to the capacity
  void ring(CudaOperation operation, std::uint32_t call = 0);
  /// Whether the last ring was answered.
  bool heard() const { return page_->done.load(std::memory_order_acquire) == sequence_; }
  /// How the worker waits between commands: parked sleeps on a futex, otherwise it spins.
  void park(bool parked) { page_->parked = parked ? 1 : 0; }

  // Worker's side.
  CudaOperation next();  ///< waits for the next command
  std::span<const std::byte> request() const;
  void put_reply(std::span<const std::byte> bytes);  ///< throws std::length_error
  void put_message(const std::string& text);
  void answer(int return_code, bool threw = false);
  void set_state(RunnerState state);

 private:
  WorkerControl(FileDescriptor memory, std::size_t bytes, std::size_t calls);
  std::span<std::byte> exchange_bytes() const;

  FileDescriptor memory_;
  std::size_t bytes_ = 0;
  std::size_t calls_ = 0;
  ControlPage* page_ = nullptr;
  ExchangeHeader* exchange_ = nullptr;
  std::size_t capacity_ = 0;
  std::uint32_t sequence_ = 0;
};

}  // namespace crucible
