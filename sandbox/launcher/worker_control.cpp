#include "sandbox/launcher/worker_control.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace crucible {
namespace {

std::size_t round_up(std::size_t value, std::size_t to) { return (value + to - 1) / to * to; }

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t while_value) {
  (void)::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT, while_value, nullptr, nullptr, 0);
}
void futex_wake(std::atomic<std::uint32_t>& word) {
  (void)::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}
void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

std::size_t exchange_offset(std::size_t calls) {
  return round_up(kCallTableOffset + calls * sizeof(PreparedCall), kExchangeAlignment);
}

WorkerControl::WorkerControl(FileDescriptor memory, std::size_t bytes, std::size_t calls)
    : memory_(std::move(memory)), bytes_(bytes), calls_(calls) {
  void* at = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, memory_.get(), 0);
  if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mapping a control memory");
  page_ = static_cast<ControlPage*>(at);
  exchange_ = reinterpret_cast<ExchangeHeader*>(static_cast<std::byte*>(at) + exchange_offset(calls));
  capacity_ = bytes_ - exchange_offset(calls) - sizeof(ExchangeHeader);
}

WorkerControl WorkerControl::create(std::size_t calls, std::size_t exchange_bytes) {
  FileDescriptor memory(::memfd_create("crucible-control", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) throw std::system_error(errno, std::generic_category(), "memfd_create");
  const std::size_t bytes = round_up(exchange_offset(calls) + sizeof(ExchangeHeader) + exchange_bytes, 4096);
  if (::ftruncate(memory.get(), static_cast<off_t>(bytes)) != 0)
    throw std::system_error(errno, std::generic_category(), "ftruncate of a control memory");
  if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    throw std::system_error(errno, std::generic_category(), "sealing a control memory");
  WorkerControl control(std::move(memory), bytes, calls);
  control.page_->call_capacity = static_cast<std::uint32_t>(calls);
  control.page_->parked = 1;
  control.exchange_->capacity = control.capacity_;
  return control;
}

WorkerControl WorkerControl::adopt(int descriptor) {
  FileDescriptor memory(descriptor);
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) throw std::system_error(errno, std::generic_category(), "control memory");
  std::uint32_t calls = 0;
  {
    void* at = ::mmap(nullptr, kCallTableOffset, PROT_READ, MAP_SHARED, descriptor, 0);
    if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "control memory");
    calls = static_cast<const ControlPage*>(at)->call_capacity;
    (void)::munmap(at, kCallTableOffset);
  }
  const auto bytes = static_cast<std::size_t>(info.st_size);
  if (exchange_offset(calls) + sizeof(ExchangeHeader) > bytes) throw std::runtime_error("a control memory cut short");
  return WorkerControl(std::move(memory), bytes, calls);
}

WorkerControl::WorkerControl(WorkerControl&& other) noexcept
    : memory_(std::move(other.memory_)),
      bytes_(std::exchange(other.bytes_, 0)),
      calls_(other.calls_),
      page_(std::exchange(other.page_, nullptr)),
      exchange_(other.exchange_),
      capacity_(other.capacity_),
      sequence_(other.sequence_) {}

WorkerControl::~WorkerControl() {
  if (page_ != nullptr) (void)::munmap(page_, bytes_);
}

std::span<std::byte> WorkerControl::exchange_bytes() const {
  return {reinterpret_cast<std::byte*>(exchange_ + 1), capacity_};
}

void WorkerControl::put_request(std::span<const std::byte> bytes) {
  if (bytes.size() > capacity_) throw std::length_error("a request larger than the control memory");
  if (!bytes.empty()) std::memcpy(exchange_bytes().data(), bytes.data(), bytes.size());
  exchange_->request_bytes = bytes.size();
  exchange_->reply_bytes = 0;
}

std::vector<std::byte> WorkerControl::take_reply() const {
  const std::uint64_t claimed = *const_cast<const volatile std::uint64_t*>(&exchange_->reply_bytes);
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(claimed, capacity_));
  const std::span<std::byte> from = exchange_bytes().first(bytes);
  return {from.begin(), from.end()};
}

void WorkerControl::ring(CudaOperation operation, std::uint32_t call) {
  page_->operation = static_cast<std::uint32_t>(operation);
  page_->call = call;
  ++sequence_;
  page_->go.store(sequence_, std::memory_order_release);
  // The worker may have gone to sleep before it saw that it should spin; waking one that spins costs a microsecond, and
  // never inside a timed interval: there the worker already spins and `parked` is 0.
  if (page_->parked != 0 || operation == CudaOperation::nothing) futex_wake(page_->go);
}

CudaOperation WorkerControl::next() {
  const std::uint32_t seen = sequence_;
  std::uint32_t go = 0;
  while ((go = page_->go.load(std::memory_order_acquire)) == seen) {
    if (page_->parked != 0)
      futex_wait(page_->go, seen);
    else
      pause_briefly();
  }
  sequence_ = go;
  return static_cast<CudaOperation>(page_->operation);
}

std::span<const std::byte> WorkerControl::request() const {
  return exchange_bytes().first(std::min<std::size_t>(exchange_->request_bytes, capacity_));
}

void WorkerControl::put_reply(std::span<const std::byte> bytes) {
  if (bytes.size() > capacity_) throw std::length_error("a reply larger than the control memory");
  if (!bytes.empty()) std::memcpy(exchange_bytes().data(), bytes.data(), bytes.size());
  exchange_->reply_bytes = bytes.size();
}

void WorkerControl::put_message(const std::string& text) {
  const std::size_t n = std::min(text.size(), kMaxMessage - 1);
  std::memcpy(page_->message, text.data(), n);
  page_->message[n] = '\0';
}

void WorkerControl::answer(int return_code, bool threw) {
  page_->return_code = return_code;
  page_->threw = threw ? 1 : 0;
  page_->done.store(sequence_, std::memory_order_release);
  if (page_->judge_parked != 0) futex_wake(page_->done);
}

void WorkerControl::set_state(RunnerState state) {
  page_->state.store(static_cast<std::uint32_t>(state), std::memory_order_release);
  futex_wake(page_->state);
}

}  // namespace crucible
