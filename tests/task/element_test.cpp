#include "env/task/element.h"

#include <doctest/doctest.h>

#include <cstring>
#include <stdexcept>

#include "env/task/random.h"

namespace crucible {
namespace {

/// Nearest representable value by search over all finite bit patterns of a 16- or 8-bit type, ties to the even pattern.
double nearest(DType dtype, double value) {
  const std::uint32_t patterns = size_of(dtype) == 1 ? 0x80u : 0x8000u;
  double best = 0, distance = std::fabs(value);
  std::uint32_t best_bits = 0;
  for (std::uint32_t bits = 0; bits < patterns; ++bits) {
    const double candidate = std::copysign(decode(dtype, bits), value);
    if (!std::isfinite(candidate)) continue;
    const double d = std::fabs(candidate - value);
    if (d < distance || (d == distance && bits % 2 == 0 && best_bits % 2 == 1)) {
      best = candidate;
      distance = d;
      best_bits = bits;
    }
  }
  return best;
}

TEST_CASE("every bit pattern survives decoding and encoding") {
  for (const DType dtype : {DType::bf16, DType::f16, DType::f8e4m3}) {
    const std::uint32_t patterns = size_of(dtype) == 1 ? 0x100u : 0x10000u;
    for (std::uint32_t bits = 0; bits < patterns; ++bits) {
      const double value = decode(dtype, bits);
      if (std::isnan(value)) {
        REQUIRE(std::isnan(decode(dtype, encode(dtype, value))));
        continue;
      }
      REQUIRE(encode(dtype, value) == bits);
      if (dtype == DType::bf16) REQUIRE(float_to_bf16(static_cast<float>(value)) == bits);
    }
  }
}

TEST_CASE("the quick conversions of f16 agree with the general ones") {
  Random random({}, 1);
  for (int i = 0; i < 300'000; ++i) {
    const auto value = std::bit_cast<float>(random.bits());
    if (std::isnan(value))
      REQUIRE(std::isnan(f16_to_float(float_to_f16(value))));
    else
      REQUIRE(float_to_f16(value) == encode(DType::f16, value));
    const auto small = std::ldexp(random.normal(), -static_cast<int>(random.below(30)));
    REQUIRE(float_to_f16(small) == encode(DType::f16, small));
  }
  for (const float edge : {65519.0f, 65520.0f, 0x1p-25f, 0x1.000002p-25f, 0x1.ffcp-15f, -0.0f, 0x1p-14f})
    CHECK(float_to_f16(edge) == encode(DType::f16, edge));
}

TEST_CASE("rounding is to nearest even, once") {
  for (const DType dtype : {DType::bf16, DType::f16, DType::f8e4m3})
    for (const double value :
         {1.0039, 1.00390625, 1.01171875, -3.14159, 1e-3, 0.000061, 6.1e-8, 2.9e-8, 17.0, 19.0, 0.0, 440.1})
      CHECK_MESSAGE(round_to(dtype, value) == nearest(dtype, value), to_string(dtype), " ", value);
  // A double just above a tie of bf16 that a detour over f32 would round to the tie and then down.
  const double above_tie = 1 + 0x1p-8 + 0x1p-40;
  CHECK(round_to(DType::bf16, above_tie) == 1 + 0x1p-7);
  CHECK(float_to_bf16(static_cast<float>(above_tie)) == 0x3f80);  // that is why references stay double
}

TEST_CASE("the edges: overflow, saturation, subnormals, signs, NaN") {
  CHECK(std::isinf(round_to(DType::f16, 65520.0)));
  CHECK(round_to(DType::f16, 65519.9) == 65504);
  CHECK(std::isinf(round_to(DType::bf16, 0x1.ffp127)));
  CHECK(round_to(DType::bf16, 0x1.fe8p127) == 0x1.fep127);
  CHECK(round_to(DType::f8e4m3, 1e9) == 448);
  CHECK(round_to(DType::f8e4m3, -465.0) == -448);
  CHECK(round_to(DType::f16, 0x1p-25) == 0);
  CHECK(round_to(DType::f16, 0x1.8p-25) == 0x1p-24);
  CHECK(std::signbit(decode(DType::bf16, encode(DType::bf16, -0.0))));
  CHECK(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(0x7f800001u)))));
  CHECK(std::isnan(decode(DType::f32, encode(DType::f32, std::nan("")))));
}

TEST_CASE("elements are read and written at any address") {
  std::byte memory[16] = {};
  store_element(DType::f32, memory + 1, 1.5);
  CHECK(load_element(DType::f32, memory + 1) == 1.5);
  store_element(DType::i64, memory + 3, -7);
  CHECK(load_integer(DType::i64, memory + 3) == -7);
  CHECK_THROWS_AS(load_integer(DType::f32, memory), std::invalid_argument);
  CHECK_THROWS_AS(float_format(DType::i32), std::invalid_argument);
  CHECK_THROWS_WITH_AS(dtype_from_string("fp32"), "unknown dtype 'fp32'; known: f32, f16, bf16, f8e4m3, i32, i64",
                       std::invalid_argument);
}

}  // namespace
}  // namespace crucible
