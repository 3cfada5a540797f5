// A correct, slow topk_softmax: picks the largest remaining logit k times.
#include <crucible/kernel.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>
namespace {

bool is_bf16(const DLTensor* tensor) { return tensor->dtype.code == kDLBfloat; }

/// Reads element `index` (in elements from the tensor's first) as float.
float load(const DLTensor* tensor, std::int64_t index) {
  const char* first = static_cast<const char*>(tensor->data) + tensor->byte_offset;
  if (!is_bf16(tensor)) return reinterpret_cast<const float*>(first)[index];
  const std::uint32_t bits = static_cast<std::uint32_t>(reinterpret_cast<const std::uint16_t*>(first)[index]) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// Writes element `index`, rounded to nearest even.
void store(DLTensor* tensor, std::int64_t index, float value) {
  char* first = static_cast<char*>(tensor->data) + tensor->byte_offset;
  if (!is_bf16(tensor)) {
    reinterpret_cast<float*>(first)[index] = value;
    return;
  }
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  bits = is_nan ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  reinterpret_cast<std::uint16_t*>(first)[index] = static_cast<std::uint16_t>(bits);
}

}  // namespace

extern "C" int topk_softmax(DLTensor* weights, DLTensor* ids, const DLTensor* logits, int32_t renormalize, void*) {
  const std::int64_t experts = logits->shape[1], k = weights->shape[1];
  std::int32_t* id = reinterpret_cast<std::int32_t*>(static_cast<char*>(ids->data) + ids->byte_offset);
  if (k == 0) return 0;
  for (std::int64_t token = 0; token < logits->shape[0]; ++token) {
    float largest = -std::numeric_limits<float>::infinity();
    for (std::int64_t e = 0; e < experts; ++e) largest = std::fmax(largest, load(logits, token * experts + e));
    double all = 0, kept = 0;
    for (std::int64_t e = 0; e < experts; ++e) all += std::exp(load(logits, token * experts + e) - largest);
    std::vector<bool> taken(experts, false);
    std::vector<double> probability(k);
    for (std::int64_t j = 0; j < k; ++j) {
      std::int64_t best = -1;
      for (std::int64_t e = 0; e < experts; ++e)
        if (!taken[e] && (best < 0 || load(logits, token * experts + e) > load(logits, token * experts + best)))
          best = e;
      taken[best] = true;
      id[token * k + j] = static_cast<std::int32_t>(best);
      probability[j] = std::exp(load(logits, token * experts + best) - largest) / all;
      kept += probability[j];
    }
    for (std::int64_t j = 0; j < k; ++j)
      store(weights, token * k + j, static_cast<float>(renormalize != 0 ? probability[j] / kept : probability[j]));
  }
  return 0;
}
