#include "sandbox/runner/call_loop.h"

#include <cxxabi.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <typeinfo>

#include "sandbox/compile/include/crucible/kernel.h"
#include "sandbox/runner/trampoline.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace crucible {
namespace {

constexpr std::size_t kDescriptorSets = 16;  // so that descriptors of consecutive calls lie at different addresses
constexpr std::int32_t kBadCall = -1000000;

struct DescriptorSet {
  DLTensor tensors[kMaxArguments];
  std::int64_t shapes[kMaxArguments][kMaxDimensions];
  std::int64_t strides[kMaxArguments][kMaxDimensions];
};

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The floating-point environment that every call starts from: a kernel that flushes denormals harms only itself.
struct FloatingPoint {
#if defined(__x86_64__)
  unsigned saved = _mm_getcsr();
  void restore() const { _mm_setcsr(saved); }
#elif defined(__aarch64__)
  unsigned long saved = [] {
    unsigned long value;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }();
  void restore() const { asm volatile("msr fpcr, %0" : : "r"(saved)); }
#endif
};

void say(ControlPage* page, const char* text) {
  if (text == nullptr) text = "";
  const std::size_t length = ::strnlen(text, kMaxMessage - 1);
  std::memcpy(page->message, text, length);
  page->message[length] = 0;
}

// The bounded wait makes a lost wake-up cost milliseconds instead of a runner.
void wait_on(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  const timespec patience{0, 20'000'000};
  ::syscall(SYS_futex, &word, FUTEX_WAIT, value, &patience, nullptr, 0);
}

std::uint32_t await_go(ControlPage* page, std::uint32_t last) {
  for (;;) {
    const std::uint32_t go = page->go.load(std::memory_order_acquire);
    if (go != last) return go;
    if (__atomic_load_n(&page->parked, __ATOMIC_RELAXED) != 0) {
      wait_on(page->go, last);
    } else {
      relax();
    }
  }
}

bool fill(const CallLoop& loop, const PreparedCall& call, DescriptorSet& set, TrampolineArguments& out) {
  if (call.argument_count > kMaxArguments) return false;
  std::size_t integers = 0, reals = 0;
  for (std::size_t i = 0; i < call.argument_count; ++i) {
    const CallArgument& argument = call.arguments[i];
    switch (argument.kind) {
      case ArgumentKind::absent_tensor:
      case ArgumentKind::stream:
        out.integers[integers++] = 0;
        break;
      case ArgumentKind::int64:
        out.integers[integers++] = argument.integer;
        break;
      case ArgumentKind::int32:
        out.integers[integers++] = static_cast<std::int32_t>(argument.integer);
        break;
      case ArgumentKind::float64:
        if (reals == std::size(out.reals)) return false;
        out.reals[reals++] = argument.real;
        break;
      case ArgumentKind::tensor: {
        if (argument.ndim > kMaxDimensions) return false;
        std::memcpy(set.shapes[i], argument.shape, sizeof argument.shape);
        std::memcpy(set.strides[i], argument.strides, sizeof argument.strides);
        DLTensor& tensor = set.tensors[i];
        tensor.data = argument.data == ~std::uint64_t{0} ? nullptr : loop.arena + argument.data;
        tensor.device = {kDLCPU, 0};
        tensor.ndim = argument.ndim;
        tensor.dtype = {argument.dtype_code, argument.dtype_bits, 1};
        tensor.shape = set.shapes[i];
        tensor.strides = set.strides[i];
        tensor.byte_offset = argument.byte_offset;
        out.integers[integers++] = static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(&tensor));
        break;
      }
      default:
        return false;
    }
  }
  return true;
}

void say_type_of_exception(ControlPage* page) {
  const std::type_info* type = abi::__cxa_current_exception_type();
  int status = 0;
  char* readable = type != nullptr ? abi::__cxa_demangle(type->name(), nullptr, nullptr, &status) : nullptr;
  say(page, readable != nullptr ? readable : "an exception of unknown type");
  std::free(readable);
}

void perform(const CallLoop& loop, std::uint32_t index, DescriptorSet& set) {
  ControlPage* page = loop.page;
  TrampolineArguments arguments;
  if (index >= loop.call_capacity || !fill(loop, call_table(page)[index], set, arguments)) {
    page->return_code = kBadCall;
    return;
  }
  const FloatingPoint environment;
  try {
    page->return_code = call_entry(loop.entry, arguments);
  } catch (const abi::__forced_unwind&) {
    throw;  // pthread_exit: swallowing it would abort
  } catch (const std::exception& error) {
    say(page, error.what());
    page->threw = 1;
  } catch (...) {
    say_type_of_exception(page);
    page->threw = 1;
  }
  environment.restore();
}

}  // namespace

void run_call_loop(const CallLoop& loop) {
  ControlPage* page = loop.page;
  static DescriptorSet sets[kDescriptorSets];
  std::size_t next_set = 0;
  std::uint32_t last = page->done.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint32_t go = await_go(page, last);
    switch (static_cast<RunnerOperation>(__atomic_load_n(&page->operation, __ATOMIC_RELAXED))) {
      case RunnerOperation::call:
        perform(loop, page->call, sets[next_set]);
        next_set = (next_set + 1) % kDescriptorSets;
        break;
      case RunnerOperation::leave:
        ::_exit(0);
      case RunnerOperation::nothing:
        break;
    }
    last = go;
    page->done.store(go, std::memory_order_release);
    if (__atomic_load_n(&page->judge_parked, __ATOMIC_RELAXED) != 0)
      ::syscall(SYS_futex, &page->done, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
}

}  // namespace crucible
