#include "env/baseline/intree/kernels.h"
#include "env/baseline/intree/rows.h"

namespace crucible::baseline::CRUCIBLE_ISA {
namespace {

CRUCIBLE_INLINE VecF silu(VecF gate) { return gate / (exponential(-gate) + 1.0f); }

template <Write kWrite, class T>
CRUCIBLE_INLINE void gate_row(T* y, const T* gate, const T* up, std::int64_t length) {
  write_each<kWrite>(y, length, [&](auto get) { return silu(get(gate)) * get(up); });
}

template <class T>
int gate_and_multiply(DLTensor* out, const DLTensor* input) {
  const Rows<T> to(out);
  const Rows<const T> from(input);
  if (to.empty()) return 0;
  const std::int64_t length = to.length, bytes = to.count * length * (std::int64_t)sizeof(T);
  const bool streamed = bytes >= kStreamBytes;
  for_each_row(to.count, 3 * bytes, [&](std::int64_t r) {
    const T* gate = from.row(r);
    if (streamed)
      gate_row<Write::streamed>(to.row(r), gate, gate + length, length);
    else
      gate_row<Write::cached>(to.row(r), gate, gate + length, length);
  });
  return 0;
}

}  // namespace

int silu_and_mul(DLTensor* out, const DLTensor* input) {
  if (is_f32(out)) return gate_and_multiply<float>(out, input);
  if (is_bf16(out)) return gate_and_multiply<BFloat16>(out, input);
  return kNotServed;
}

}  // namespace crucible::baseline::CRUCIBLE_ISA
