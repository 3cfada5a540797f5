// Honest: maxima of segments of eight experts; only the segment that lost its maximum is looked at again.
#include <crucible/kernel.h>

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

template <class T>
int run(DLTensor* weights, DLTensor* ids, const DLTensor* logits, std::int32_t renormalize) {
  const std::int64_t tokens = logits->shape[0], experts = logits->shape[1], k = ids->shape[1];
  if (k == 0) return 0;

  std::vector<std::int32_t> order(static_cast<std::size_t>(experts));
  for (std::int64_t t = 0; t < tokens; ++t) {
    const T* x = first<const T>(logits) + t * experts;
    std::int32_t* chosen = first<std::int32_t>(ids) + t * k;
    float* weight = first<float>(weights) + t * k;
    const std::int64_t segments = (experts + 7) / 8;
    std::vector<std::int32_t> best(static_cast<std::size_t>(segments));
    std::vector<bool> taken(static_cast<std::size_t>(experts));
    auto look = [&](std::int64_t s) {
      std::int32_t found = -1;
      for (std::int64_t e = 8 * s; e < experts && e < 8 * s + 8; ++e)
        if (!taken[static_cast<std::size_t>(e)] && (found < 0 || to_float(x[e]) > to_float(x[found])))
          found = static_cast<std::int32_t>(e);
      best[static_cast<std::size_t>(s)] = found;
    };
    for (std::int64_t s = 0; s < segments; ++s) look(s);
    for (std::int64_t j = 0; j < k; ++j) {
      std::int32_t winner = -1;
      for (std::int32_t e : best)
        if (e >= 0 && (winner < 0 || to_float(x[e]) > to_float(x[winner]))) winner = e;
      taken[static_cast<std::size_t>(winner)] = true;
      chosen[j] = winner;
      look(winner / 8);
    }
    const double top = to_float(x[chosen[0]]);
    double total = 0;
    for (std::int64_t j = 0; j < (renormalize ? k : experts); ++j)
      total += std::exp(to_float(x[renormalize ? chosen[j] : j]) - top);
    for (std::int64_t j = 0; j < k; ++j) weight[j] = static_cast<float>(std::exp(to_float(x[chosen[j]]) - top) / total);
  }
  return 0;
}

}  // namespace

extern "C" int topk_softmax(DLTensor* weights, DLTensor* ids, const DLTensor* logits, std::int32_t renormalize, void*) {
  return logits->dtype.code == kDLBfloat ? run<Bf16>(weights, ids, logits, renormalize)
                                         : run<float>(weights, ids, logits, renormalize);
}
