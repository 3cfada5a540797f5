// Honest: a thread pool of its own; its one worker sleeps on a condition variable between calls.
#include <crucible/kernel.h>

#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace {

/// A bf16 element: the upper half of a float.
struct Bf16 {
  std::uint16_t bits;
};

inline float to_float(float x) { return x; }
inline float to_float(Bf16 x) { return __builtin_bit_cast(float, std::uint32_t{x.bits} << 16); }
inline void put(float* to, float x) { *to = x; }
inline void put(Bf16* to, float x) {  // to nearest even, NaN kept
  const std::uint32_t u = __builtin_bit_cast(std::uint32_t, x);
  const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
  to->bits = static_cast<std::uint16_t>(nan ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

template <class T>
T* first(const DLTensor* t) {
  return reinterpret_cast<T*>(static_cast<char*>(t->data) + t->byte_offset);
}

inline std::int64_t row_count(const DLTensor* t) {
  std::int64_t rows = 1;
  for (int axis = 0; axis + 1 < t->ndim; ++axis) rows *= t->shape[axis];
  return rows;
}

/// First element of a row of a tensor of 1 to 3 dimensions with any leading strides.
template <class T>
T* row_of(const DLTensor* t, std::int64_t row) {
  T* p = first<T>(t);
  if (t->ndim == 2) return p + row * t->strides[0];
  if (t->ndim == 3) return p + row / t->shape[1] * t->strides[0] + row % t->shape[1] * t->strides[1];
  return p;
}

/// One worker that runs a job and sleeps. Kept for the life of the process.
class Pool {
 public:
  Pool() : worker_([this] { work(); }) { worker_.detach(); }

  void start(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    job_ = std::move(job);
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !job_; });
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return static_cast<bool>(job_); });
      lock.unlock();
      job_();
      lock.lock();
      job_ = nullptr;
      changed_.notify_all();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> job_;
  std::thread worker_;
};

Pool& pool() {
  static Pool* const only = new Pool;  // never destroyed: its worker outlives static destruction
  return *only;
}

template <class T>
void softmax_row(T* y, const T* x, std::int64_t width) {
  float top = -__builtin_inff();
  for (std::int64_t i = 0; i < width; ++i) top = to_float(x[i]) > top ? to_float(x[i]) : top;
  double total = 0;
  for (std::int64_t i = 0; i < width; ++i) total += std::exp(to_float(x[i]) - top);
  for (std::int64_t i = 0; i < width; ++i) put(y + i, static_cast<float>(std::exp(to_float(x[i]) - top) / total));
}

template <class T>
int run(DLTensor* out, const DLTensor* input) {
  const std::int64_t width = out->shape[out->ndim - 1], rows = width == 0 ? 0 : row_count(out);

  if (rows < 2) {
    for (std::int64_t r = 0; r < rows; ++r) softmax_row(row_of<T>(out, r), row_of<const T>(input, r), width);
    return 0;
  }
  pool().start([=] {
    for (std::int64_t r = rows / 2; r < rows; ++r) softmax_row(row_of<T>(out, r), row_of<const T>(input, r), width);
  });
  for (std::int64_t r = 0; r < rows / 2; ++r) softmax_row(row_of<T>(out, r), row_of<const T>(input, r), width);
  pool().wait();
  return 0;
}

}  // namespace

extern "C" int softmax(DLTensor* out, const DLTensor* input, void*) {
  return out->dtype.code == kDLBfloat ? run<Bf16>(out, input) : run<float>(out, input);
}
