// A correct, slow rotary_embedding: one pair at a time.
#include <crucible/kernel.h>

#include <cmath>
#include <cstdint>
#include <cstring>

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

static void rotate(const DLTensor* positions, DLTensor* tensor, std::int64_t head_size, const DLTensor* table,
                   bool neox) {
  const std::int64_t* position =
      reinterpret_cast<const std::int64_t*>(static_cast<const char*>(positions->data) + positions->byte_offset);
  const std::int64_t rotated = table->shape[1], half = rotated / 2;
  for (std::int64_t token = 0; token < tensor->shape[0]; ++token) {
    const std::int64_t row = position[token] * rotated;
    for (std::int64_t head = 0; head + head_size <= tensor->shape[1]; head += head_size) {
      const std::int64_t begin = token * tensor->strides[0] + head;
      for (std::int64_t i = 0; i < half; ++i) {
        const std::int64_t first = begin + (neox ? i : 2 * i), second = begin + (neox ? i + half : 2 * i + 1);
        const float a = load(tensor, first), b = load(tensor, second);
        const float cosine = load(table, row + i), sine = load(table, row + half + i);
        store(tensor, first, a * cosine - b * sine);
        store(tensor, second, b * cosine + a * sine);
      }
    }
  }
}

extern "C" int rotary_embedding(const DLTensor* positions, DLTensor* query, DLTensor* key, int64_t head_size,
                                const DLTensor* cos_sin_cache, int32_t is_neox, void*) {
  rotate(positions, query, head_size, cos_sin_cache, is_neox != 0);
  if (key != nullptr) rotate(positions, key, head_size, cos_sin_cache, is_neox != 0);
  return 0;
}
