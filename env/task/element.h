#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "env/task/call.h"

namespace crucible {

/// Facts of a floating-point element type (CONTRACTS.md, "The tolerance").
struct FloatFormat {
  double unit_roundoff;    ///< u_T
  double smallest_normal;  ///< of T
  double flush;            ///< φ: what an exp may flush to zero
  double max_finite;
  double overflow;  ///< the value that Inf stands for: the next number beyond max_finite; f8e4m3 saturates and has none
  int mantissa_bits;
  int min_exponent;  ///< of the smallest normal
};

/// Facts of `dtype`; throws std::invalid_argument for integer types.
const FloatFormat& float_format(DType dtype);

inline bool is_float(DType dtype) { return dtype != DType::i32 && dtype != DType::i64; }

inline float bf16_to_float(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

/// To nearest even; NaN stays NaN (quiet).
inline std::uint16_t float_to_bf16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  return static_cast<std::uint16_t>(is_nan ? ((bits >> 16) | 0x40u) : rounded);
}

inline float f16_to_float(std::uint16_t bits) {
  // The exponent's bias is mended by a multiplication, which normalises subnormals on the way.
  const float magnitude = std::bit_cast<float>((bits & 0x7fffu) << 13) * 0x1p112f;
  const bool special = (bits & 0x7c00u) == 0x7c00u;
  const std::uint32_t fields = std::bit_cast<std::uint32_t>(magnitude) | (special ? 0x7f800000u : 0u);
  return std::bit_cast<float>(fields | (bits & 0x8000u) << 16);
}

/// To nearest even; overflows to Inf, NaN stays NaN (quiet).
inline std::uint16_t float_to_f16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value), sign = bits >> 16 & 0x8000u,
                      magnitude = bits & 0x7fffffffu;
  // Below the normal range, adding 1/2 shifts the mantissa into place and rounds it.
  const std::uint32_t subnormal =
      std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<std::uint32_t>(0.5f);
  const std::uint32_t normal = (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
  const std::uint32_t special = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  const std::uint32_t rounded = magnitude >= 0x47800000u ? special : magnitude < 0x38800000u ? subnormal : normal;
  return static_cast<std::uint16_t>(rounded | sign);
}
float f8e4m3_to_float(std::uint8_t bits);

/// `value` rounded once, to nearest even, to `dtype`; overflows to ±Inf (f8e4m3: saturates to ±448).
double round_to(DType dtype, double value);

/// The bits of round_to(dtype, value) in the low bytes; floating-point types only.
std::uint32_t encode(DType dtype, double value);

/// The value of the floating-point bits `bits`.
double decode(DType dtype, std::uint32_t bits);

/// Reads the element of any dtype at `element` (not necessarily aligned).
double load_element(DType dtype, const std::byte* element);

/// Reads an integer element.
std::int64_t load_integer(DType dtype, const std::byte* element);

/// Writes round_to(dtype, value), or the integer nearest to `value`.
void store_element(DType dtype, std::byte* element, double value);

}  // namespace crucible
