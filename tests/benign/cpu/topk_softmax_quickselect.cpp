// Honest: std::nth_element, then a sort of the chosen.
#include <crucible/kernel.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

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

/// Weights of the chosen experts from their logits.
template <class T>
void weigh(float* weights, const std::int32_t* ids, std::int64_t k, const T* x, std::int64_t experts,
           bool renormalize) {
  double top = -__builtin_inf(), total = 0;
  for (std::int64_t e = 0; e < experts; ++e) top = to_float(x[e]) > top ? to_float(x[e]) : top;
  if (renormalize)
    for (std::int64_t j = 0; j < k; ++j) total += std::exp(to_float(x[ids[j]]) - top);
  else
    for (std::int64_t e = 0; e < experts; ++e) total += std::exp(to_float(x[e]) - top);
  for (std::int64_t j = 0; j < k; ++j) weights[j] = static_cast<float>(std::exp(to_float(x[ids[j]]) - top) / total);
}

template <class T>
void choose(std::int32_t* chosen, std::int64_t k, const T* x, std::int64_t experts) {
  static thread_local std::vector<std::int32_t> order;
  order.resize(static_cast<std::size_t>(experts));
  for (std::int64_t e = 0; e < experts; ++e) order[e] = static_cast<std::int32_t>(e);
  const auto before = [x](int a, int b) {
    return to_float(x[a]) > to_float(x[b]) || (to_float(x[a]) == to_float(x[b]) && a < b);
  };
  std::nth_element(order.begin(), order.begin() + (k - 1), order.end(), before);
  std::sort(order.begin(), order.begin() + k, before);
  std::copy_n(order.begin(), k, chosen);
}

template <class T>
int run(DLTensor* weights, DLTensor* ids, const DLTensor* logits, std::int32_t renormalize) {
  const std::int64_t tokens = logits->shape[0], experts = logits->shape[1], k = ids->shape[1];
  if (k == 0) return 0;
  for (std::int64_t t = 0; t < tokens; ++t) {
    const T* x = first<const T>(logits) + t * experts;
    std::int32_t* chosen = first<std::int32_t>(ids) + t * k;
    choose(chosen, k, x, experts);
    weigh(first<float>(weights) + t * k, chosen, k, x, experts, renormalize != 0);
  }
  return 0;
}

}  // namespace

extern "C" int topk_softmax(DLTensor* weights, DLTensor* ids, const DLTensor* logits, int32_t renormalize, void*) {
  return logits->dtype.code == kDLBfloat ? run<Bf16>(weights, ids, logits, renormalize)
                                         : run<float>(weights, ids, logits, renormalize);
}
