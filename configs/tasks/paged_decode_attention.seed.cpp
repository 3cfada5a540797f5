// A correct, slow paged_decode_attention: scores, softmax and average of one head after another, in double.
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

extern "C" int paged_decode_attention(DLTensor* out, const DLTensor* query, const DLTensor* key_cache,
                                      const DLTensor* value_cache, const DLTensor* block_table,
                                      const DLTensor* seq_lens, double scale, void*) {
  const auto integer = [](const DLTensor* tensor, std::int64_t index) {
    const char* first = static_cast<const char*>(tensor->data) + tensor->byte_offset;
    return static_cast<std::int64_t>(reinterpret_cast<const std::int32_t*>(first)[index]);
  };
  const std::int64_t heads = query->shape[1], size = query->shape[2], page = key_cache->shape[1];
  const std::int64_t group = heads / key_cache->shape[2], width = block_table->shape[1];
  for (std::int64_t s = 0; s < query->shape[0]; ++s) {
    const std::int64_t length = integer(seq_lens, s);
    for (std::int64_t head = 0; head < heads; ++head) {
      const std::int64_t q = s * query->strides[0] + head * query->strides[1];
      const auto row = [&](const DLTensor* cache, std::int64_t position) {
        return integer(block_table, s * width + position / page) * cache->strides[0] +
               position % page * cache->strides[1] + head / group * cache->strides[2];
      };
      std::vector<double> weight(length);
      double largest = -std::numeric_limits<double>::infinity(), sum = 0;
      for (std::int64_t j = 0; j < length; ++j) {
        double score = 0;
        for (std::int64_t i = 0; i < size; ++i)
          score += static_cast<double>(load(query, q + i)) * load(key_cache, row(key_cache, j) + i);
        weight[j] = score * scale;
        largest = std::fmax(largest, weight[j]);
      }
      for (double& w : weight) sum += w = std::exp(w - largest);
      for (std::int64_t i = 0; i < size; ++i) {
        double average = 0;
        for (std::int64_t j = 0; j < length; ++j)
          average += weight[j] / sum * load(value_cache, row(value_cache, j) + i);
        store(out, s * out->strides[0] + head * out->strides[1] + i, static_cast<float>(average));
      }
    }
  }
  return 0;
}
