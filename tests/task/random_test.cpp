#include "env/task/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace crucible {
namespace {

std::array<std::uint8_t, 32> key_of(std::uint8_t byte) {
  std::array<std::uint8_t, 32> key{};
  key[7] = byte;
  return key;
}

TEST_CASE("the stream is ChaCha8: the published block of the zero key") {
  Random random(std::array<std::uint8_t, 32>{}, 0);
  std::vector<std::uint32_t> batch(256);
  random.fill_bits(batch);
  // Word i of the first block stands at 16·i: sixteen blocks are made side by side.
  CHECK(batch[0] == 0x2fef003eu);
  CHECK(batch[16] == 0xd6405f89u);
  CHECK(batch[32] == 0xe8b85b7fu);
  CHECK(batch[240] == 0x42fe0c0eu);
}

TEST_CASE("equal keys and streams repeat, others differ") {
  Random a(key_of(1), 3), b(key_of(1), 3), other_key(key_of(2), 3), other_stream(key_of(1), 4);
  std::vector<std::uint32_t> x(2000), y(2000), z(2000), w(2000);
  a.fill_bits(x);
  for (std::uint32_t& word : y) word = b.bits();
  other_key.fill_bits(z);
  other_stream.fill_bits(w);
  CHECK(x == y);
  CHECK(x != z);
  CHECK(x != w);
  std::sort(x.begin(), x.end());
  CHECK(std::adjacent_find(x.begin(), x.end()) == x.end());  // a counter that stood still would repeat a block
}

TEST_CASE("normals have the moments of a normal distribution") {
  Random random(key_of(5), 0);
  std::vector<float> values(400'000);
  random.fill_normal(values);
  double sum = 0, squares = 0, fourth = 0, below_minus_one = 0;
  for (const float x : values) {
    sum += x;
    squares += double{x} * x;
    fourth += double{x} * x * x * x;
    below_minus_one += x < -1;
  }
  const auto n = static_cast<double>(values.size());
  CHECK(std::fabs(sum / n) < 0.01);
  CHECK(squares / n == doctest::Approx(1).epsilon(0.01));
  CHECK(fourth / n == doctest::Approx(3).epsilon(0.06));
  CHECK(below_minus_one / n == doctest::Approx(0.158655).epsilon(0.02));
}

TEST_CASE("bounded integers and permutations stay in range and reach everything") {
  Random random(key_of(9), 0);
  std::vector<int> seen(7, 0);
  for (int i = 0; i < 7000; ++i) ++seen.at(random.below(7));
  for (const int count : seen) CHECK(std::abs(count - 1000) < 200);
  std::vector<std::uint32_t> order = random.permutation(100);
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (std::uint32_t i = 0; i < 100; ++i) CHECK(order[i] == i);
  std::vector<float> uniform(10'000);
  random.fill_uniform(uniform, -2, 6);
  CHECK(*std::min_element(uniform.begin(), uniform.end()) >= -2);
  CHECK(*std::max_element(uniform.begin(), uniform.end()) < 6);
}

}  // namespace
}  // namespace crucible
