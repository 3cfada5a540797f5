#include "env/judge/checker.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "env/judge/element_error.h"
#include "env/task/element.h"
#include "env/task/random.h"

namespace crucible {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNaN = std::nan("");

TensorLayout vector_of(DType dtype, std::size_t count) {
  return {dtype, Access::output, 0, 0, {static_cast<std::int64_t>(count)}, {1}};
}

/// References of every kind: ordinary, tiny, at the overflow edge, zero, special; with and without extra and flush.
ExpectedOutput varied(DType dtype, std::size_t count, std::uint64_t stream) {
  Random random({}, stream);
  const FloatFormat& format = float_format(dtype);
  ExpectedOutput expected;
  for (std::size_t i = 0; i < count; ++i) {
    double value = random.normal() * std::exp2(random.uniform(-20, 20));
    switch (random.below(12)) {
      case 0:
        value = random.normal() * format.smallest_normal;
        break;
      case 1:
        value = std::copysign(format.max_finite * (1 + random.uniform(-0.02f, 0.02f)), value);
        break;
      case 2:
        value = 0;
        break;
      case 3:
        value = random.chance(0.5f) ? kNaN : random.chance(0.5f) ? kInf : -kInf;
        break;
      case 4:
        value = round_to(dtype, value);  // exactly representable: intervals end on neighbours
        break;
      default:
        break;
    }
    expected.value.push_back(value);
    expected.magnitude.push_back(std::isfinite(value) ? std::fabs(value) * random.uniform(0, 1000) : 0);
    expected.extra.push_back(random.chance(0.3f) ? format.unit_roundoff * random.uniform(0, 4) : 0);
    expected.flush.push_back(random.chance(0.3f) ? random.uniform(0, 100) : 0);
    expected.pinned.push_back(random.chance(0.05f) && round_to(dtype, value) == value);
  }
  return expected;
}

TEST_CASE("AcceptedOutput agrees with the η rule on every bit pattern of 8- and 16-bit types") {
  for (const DType dtype : {DType::bf16, DType::f16, DType::f8e4m3}) {
    const std::size_t count = 40;
    const std::uint32_t patterns = size_of(dtype) == 1 ? 0x100u : 0x10000u;
    for (const double bar : {1.0, 2.0, 7.3}) {
      const ExpectedOutput expected = varied(dtype, count, static_cast<std::uint64_t>(bar * 10));
      const TensorLayout tensor = vector_of(dtype, count);
      Tolerance tolerance;
      tolerance.max_eta = bar;
      const AcceptedOutput accepted(expected, tensor, tolerance);
      const ElementError error(expected, dtype);
      std::size_t disagreements = 0;
      for (std::size_t i = 0; i < count; ++i)
        for (std::uint32_t bits = 0; bits < patterns; ++bits) {
          const bool by_eta = error.eta(i, decode(dtype, bits)) <= bar;
          disagreements += by_eta != accepted.accepts(i, reinterpret_cast<const std::byte*>(&bits));
        }
      CHECK(disagreements == 0);
    }
  }
}

TEST_CASE("AcceptedOutput, its vector loop and judge_output agree in f32 near the bounds") {
  const std::size_t count = 3000;
  const ExpectedOutput expected = varied(DType::f32, count, 77);
  const TensorLayout tensor = vector_of(DType::f32, count);
  const Tolerance tolerance;
  const AcceptedOutput accepted(expected, tensor, tolerance);
  std::vector<float> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(expected.value[i]);
  const auto memory = [&] { return reinterpret_cast<const std::byte*>(out.data()); };
  CHECK_FALSE(accepted.first_rejected(tensor, memory()).has_value());
  CHECK_FALSE(judge_output("out", expected, tensor, memory(), tolerance).has_value());
  Random random({}, 3);
  std::size_t refused = 0;
  for (std::size_t trial = 0; trial < 4000; ++trial) {
    const std::size_t i = random.below(static_cast<std::uint32_t>(count));
    const float good = out[i];
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(good);
    out[i] = random.chance(0.1f) ? std::bit_cast<float>(random.bits())
                                 : std::bit_cast<float>(bits + random.below(12) - 6);  // neighbours, zero's other side
    const auto why = judge_output("out", expected, tensor, memory(), tolerance);
    const auto rejected = accepted.first_rejected(tensor, memory());
    REQUIRE(why.has_value() == rejected.has_value());
    REQUIRE(why.has_value() != accepted.accepts(i, memory() + 4 * i));
    if (rejected) REQUIRE(*rejected == i);
    refused += why.has_value();
    out[i] = good;
  }
  CHECK(refused > 500);
  CHECK(refused < 3500);
}

TEST_CASE("classes come first, and at the overflow edge max-finite and Inf both pass") {
  ExpectedOutput expected;
  const double edge = 0x1.ffp127;  // rounds to Inf in bf16, η of max-finite is 1/2
  expected.value = {kNaN, kInf, -kInf, 1.0, edge, 1e40, 0x1.fep127};
  expected.magnitude.assign(7, 0.0);
  const ElementError error(expected, DType::bf16);
  CHECK(error.eta(0, kNaN) == 0);
  CHECK(error.eta(0, 1) == kInf);
  CHECK(error.eta(1, kInf) == 0);
  CHECK(error.eta(1, 0x1.fep127) == kInf);
  CHECK(error.eta(1, kNaN) == kInf);
  CHECK(error.eta(2, kInf) == kInf);
  CHECK(error.eta(3, kInf) == kInf);
  CHECK(error.eta(3, kNaN) == kInf);
  CHECK(error.eta(4, kInf) == 0);
  CHECK(error.eta(4, 0x1.fep127) < 1);
  CHECK(error.eta(5, kInf) == 0);
  CHECK(error.eta(5, 0x1.fep127) > 16);  // far beyond the edge only Inf is right
  CHECK(error.eta(6, kInf) < 2);         // the next number after the largest
  CHECK(error.eta(6, -kInf) == kInf);
}

TEST_CASE("messages say where and how much, classes and pinned elements in words") {
  ExpectedOutput expected;
  expected.value = {1.0, 2.0, kNaN};
  expected.magnitude.assign(3, 0.0);
  const TensorLayout tensor = vector_of(DType::f32, 3);
  std::vector<float> out{1.0f, 2.0f, std::numeric_limits<float>::quiet_NaN()};
  const auto verdict = [&] {
    return judge_output("out", expected, tensor, reinterpret_cast<const std::byte*>(out.data()), Tolerance{})
        .value_or("passes");
  };
  CHECK(verdict() == "passes");
  out[1] = 2.0f + 0x1p-20f;
  CHECK(verdict() == "out: element 1 is 8 units off, 2 allowed");
  out[1] = INFINITY;
  CHECK(verdict() == "out: element 1 is +Inf, expected finite");
  out[1] = 2.0f;
  out[2] = 0;
  CHECK(verdict() == "out: element 2 is finite, expected NaN");
  expected.pinned = {1, 0, 0};
  out[2] = std::numeric_limits<float>::quiet_NaN();
  out[0] = std::nextafter(1.0f, 2.0f);
  CHECK(verdict().starts_with("out: element 0 is 1, expected unchanged 1"));
}

TEST_CASE("exact outputs are compared bit for bit, up to the alternatives") {
  ExpectedOutput expected;
  expected.exact = true;
  const std::vector<std::int32_t> ids{5, 7, 9};
  expected.bytes.resize(12);
  std::memcpy(expected.bytes.data(), ids.data(), 12);
  expected.alternatives = {{1, 8}, {1, 6}, {2, 1}};
  const TensorLayout tensor = vector_of(DType::i32, 3);
  const AcceptedOutput accepted(expected, tensor, Tolerance{});
  const auto verdict = [&](std::vector<std::int32_t> out) {
    const auto* memory = reinterpret_cast<const std::byte*>(out.data());
    const auto why = judge_output("ids", expected, tensor, memory, Tolerance{});
    CHECK(why.has_value() == accepted.first_rejected(tensor, memory).has_value());
    return why.value_or("passes");
  };
  CHECK(verdict({5, 7, 9}) == "passes");
  CHECK(verdict({5, 6, 1}) == "passes");
  CHECK(verdict({5, 9, 7}) == "ids: element 1 is 9, expected exactly 7");
  CHECK(verdict({8, 7, 9}) == "ids: element 0 is 8, expected exactly 5");
}

/// Root mean square of η when every element is stored by `store`, refs uniform over binades.
template <class Store>
OutputError stored(const Store& store, ExpectedOutput& expected, std::vector<std::uint16_t>& out) {
  Random random({}, 11);
  const std::size_t count = 20'000;
  expected = {};
  out.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    expected.value.push_back(std::exp2(random.uniform(-3, 3)) * (random.chance(0.5f) ? 1 : -1) *
                             (1 + 0x1p-30 * random.uniform(0, 1)));
    expected.magnitude.push_back(std::fabs(expected.value.back()));
    out[i] = store(static_cast<float>(expected.value.back()));
  }
  return measure_error(expected, vector_of(DType::bf16, count), reinterpret_cast<const std::byte*>(out.data()));
}

TEST_CASE("the second bar: correct rounding passes .43, truncation is refused at .85") {
  ExpectedOutput expected;
  std::vector<std::uint16_t> out;
  Tolerance tolerance;
  tolerance.max_rms_eta = 0.43 * 1.15;
  const auto judged = [&] {
    return judge_output("out", expected, vector_of(DType::bf16, out.size()),
                        reinterpret_cast<const std::byte*>(out.data()), tolerance);
  };
  const OutputError rounded = stored(float_to_bf16, expected, out);
  CHECK(rounded.rms_eta == doctest::Approx(0.42).epsilon(0.05));
  CHECK(rounded.eta <= 1.001);
  CHECK_FALSE(judged().has_value());
  const OutputError truncated =
      stored([](float x) { return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16); }, expected, out);
  CHECK(truncated.rms_eta == doctest::Approx(0.84).epsilon(0.05));
  CHECK(truncated.eta <= 2);  // the first bar alone lets it pass
  CHECK(judged().has_value());
  // Fewer than 4,096 elements are not judged by it.
  expected.value.resize(4000);
  expected.magnitude.resize(4000);
  out.resize(4000);
  CHECK_FALSE(judged().has_value());
}

TEST_CASE("a bar below correct rounding is our own mistake") {
  ExpectedOutput expected;
  expected.value = {1.0};
  expected.magnitude = {1.0};
  Tolerance tolerance;
  tolerance.max_eta = 0.5;
  CHECK_THROWS_AS(AcceptedOutput(expected, vector_of(DType::f32, 1), tolerance), std::invalid_argument);
}

TEST_CASE("strided outputs are read where they lie") {
  ExpectedOutput expected;
  expected.value = {1, 2, 3, 4};
  expected.magnitude.assign(4, 0.0);
  const TensorLayout tensor{DType::f32, Access::output, 0, 4, {2, 2}, {3, 1}};
  std::vector<float> memory{99, 1, 2, 98, 3, 4};
  const AcceptedOutput accepted(expected, tensor, Tolerance{});
  const auto* bytes = reinterpret_cast<const std::byte*>(memory.data());
  CHECK_FALSE(accepted.first_rejected(tensor, bytes).has_value());
  memory[5] = 5;
  CHECK(accepted.first_rejected(tensor, bytes) == 3);
  memory[5] = 4;
  memory[3] = 0;
  CHECK_FALSE(judge_output("out", expected, tensor, bytes, Tolerance{}).has_value());
}

}  // namespace
}  // namespace crucible
