#include "env/task/element.h"

#include <cstring>
#include <stdexcept>

namespace crucible {
namespace {

constexpr FloatFormat kF32{0x1p-24, 0x1p-126, 0x1p-126, 0x1.fffffep127, 0x1p128, 23, -126};
constexpr FloatFormat kF16{0x1p-11, 0x1p-14, 0x1p-25, 65504.0, 65536.0, 10, -14};
constexpr FloatFormat kBF16{0x1p-8, 0x1p-126, 0x1p-126, 0x1.fep127, 0x1p128, 7, -126};
constexpr FloatFormat kF8E4M3{0x1p-4, 0x1p-6, 0x1p-10, 448.0, 480.0, 3, -6};

/// Rounds a finite value to a multiple of the spacing that `format` has at its exponent; std::nearbyint rounds to even.
double round_finite(const FloatFormat& format, double value) {
  if (value == 0) return value;
  const int exponent = std::max(std::ilogb(value), format.min_exponent);
  const int spacing = exponent - format.mantissa_bits;
  return std::ldexp(std::nearbyint(std::ldexp(value, -spacing)), spacing);
}

/// Sign, exponent and mantissa fields of a value that `format` can represent.
std::uint32_t pack(const FloatFormat& format, int bias, int sign_shift, double value) {
  const std::uint32_t sign = std::signbit(value) ? 1u << sign_shift : 0u;
  const double magnitude = std::fabs(value);
  if (magnitude == 0) return sign;
  if (magnitude < format.smallest_normal)
    return sign | static_cast<std::uint32_t>(std::ldexp(magnitude, format.mantissa_bits - format.min_exponent));
  const int exponent = std::ilogb(magnitude);
  const auto mantissa = static_cast<std::uint32_t>(std::ldexp(magnitude, format.mantissa_bits - exponent)) &
                        ((1u << format.mantissa_bits) - 1u);
  return sign | (static_cast<std::uint32_t>(exponent + bias) << format.mantissa_bits) | mantissa;
}

double unpack(const FloatFormat& format, std::uint32_t exponent_field, std::uint32_t mantissa, bool negative) {
  const double magnitude =
      exponent_field == 0
          ? std::ldexp(mantissa, format.min_exponent - format.mantissa_bits)
          : std::ldexp(mantissa + (1u << format.mantissa_bits),
                       static_cast<int>(exponent_field) - 1 + format.min_exponent - format.mantissa_bits);
  return negative ? -magnitude : magnitude;
}

}  // namespace

const FloatFormat& float_format(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return kF32;
    case DType::f16:
      return kF16;
    case DType::bf16:
      return kBF16;
    case DType::f8e4m3:
      return kF8E4M3;
    case DType::i32:
    case DType::i64:
      break;
  }
  throw std::invalid_argument(std::string(to_string(dtype)) + " is not a floating-point type");
}

float f8e4m3_to_float(std::uint8_t bits) {
  const std::uint32_t exponent = (bits >> 3) & 0xfu, mantissa = bits & 0x7u;
  if (exponent == 0xf && mantissa == 0x7) return std::numeric_limits<float>::quiet_NaN();
  return static_cast<float>(unpack(kF8E4M3, exponent, mantissa, (bits >> 7) != 0));
}

double round_to(DType dtype, double value) {
  const FloatFormat& format = float_format(dtype);
  if (std::isnan(value)) return value;
  if (dtype == DType::f8e4m3) {
    if (std::fabs(value) >= format.max_finite) return std::copysign(format.max_finite, value);
    return round_finite(format, value);
  }
  if (std::isinf(value)) return value;
  if (dtype == DType::f32) return static_cast<double>(static_cast<float>(value));
  const double rounded = round_finite(format, value);
  if (std::fabs(rounded) > format.max_finite) return std::copysign(std::numeric_limits<double>::infinity(), value);
  return rounded;
}

std::uint32_t encode(DType dtype, double value) {
  const double rounded = round_to(dtype, value);
  switch (dtype) {
    case DType::f32:
      return std::bit_cast<std::uint32_t>(static_cast<float>(rounded));
    case DType::bf16:
      return std::bit_cast<std::uint32_t>(static_cast<float>(rounded)) >> 16 | (std::isnan(rounded) ? 0x40u : 0u);
    case DType::f16:
      if (std::isnan(rounded)) return 0x7e00u;
      if (std::isinf(rounded)) return rounded < 0 ? 0xfc00u : 0x7c00u;
      return pack(kF16, 15, 15, rounded);
    case DType::f8e4m3:
      if (std::isnan(rounded)) return 0x7fu;
      return pack(kF8E4M3, 7, 7, rounded);
    default:
      throw std::invalid_argument(std::string(to_string(dtype)) + " is not a floating-point type");
  }
}

double decode(DType dtype, std::uint32_t bits) {
  switch (dtype) {
    case DType::f32:
      return std::bit_cast<float>(bits);
    case DType::bf16:
      return bf16_to_float(static_cast<std::uint16_t>(bits));
    case DType::f16:
      return f16_to_float(static_cast<std::uint16_t>(bits));
    case DType::f8e4m3:
      return f8e4m3_to_float(static_cast<std::uint8_t>(bits));
    default:
      throw std::invalid_argument(std::string(to_string(dtype)) + " is not a floating-point type");
  }
}

std::int64_t load_integer(DType dtype, const std::byte* element) {
  if (dtype == DType::i32) {
    std::int32_t value;
    std::memcpy(&value, element, sizeof value);
    return value;
  }
  if (dtype == DType::i64) {
    std::int64_t value;
    std::memcpy(&value, element, sizeof value);
    return value;
  }
  throw std::invalid_argument(std::string(to_string(dtype)) + " is not an integer type");
}

double load_element(DType dtype, const std::byte* element) {
  if (!is_float(dtype)) return static_cast<double>(load_integer(dtype, element));
  std::uint32_t bits = 0;
  std::memcpy(&bits, element, size_of(dtype));
  return decode(dtype, bits);
}

void store_element(DType dtype, std::byte* element, double value) {
  if (dtype == DType::i32) {
    const auto integer = static_cast<std::int32_t>(std::llround(value));
    std::memcpy(element, &integer, sizeof integer);
  } else if (dtype == DType::i64) {
    const auto integer = static_cast<std::int64_t>(std::llround(value));
    std::memcpy(element, &integer, sizeof integer);
  } else {
    const std::uint32_t bits = encode(dtype, value);
    std::memcpy(element, &bits, size_of(dtype));
  }
}

}  // namespace crucible
