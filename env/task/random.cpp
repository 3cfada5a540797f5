#include "env/task/random.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "env/task/vectorize.h"

namespace crucible {
namespace {

constexpr std::size_t kLanes = 16;

/// ChaCha8 over kLanes consecutive counters at once: word i of lane b is x[i][b].
CRUCIBLE_VECTORIZE void chacha8(const std::uint32_t* state, std::uint32_t* out) {
  alignas(64) std::uint32_t x[16][kLanes];
  for (int i = 0; i < 16; ++i)
    for (std::size_t b = 0; b < kLanes; ++b) x[i][b] = state[i];
  for (std::size_t b = 0; b < kLanes; ++b) x[12][b] += static_cast<std::uint32_t>(b);
  const auto quarter = [&x](int a, int b, int c, int d) __attribute__((always_inline)) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      std::uint32_t xa = x[a][l], xb = x[b][l], xc = x[c][l], xd = x[d][l];
      xa += xb;
      xd ^= xa;
      xd = (xd << 16) | (xd >> 16);
      xc += xd;
      xb ^= xc;
      xb = (xb << 12) | (xb >> 20);
      xa += xb;
      xd ^= xa;
      xd = (xd << 8) | (xd >> 24);
      xc += xd;
      xb ^= xc;
      xb = (xb << 7) | (xb >> 25);
      x[a][l] = xa;
      x[b][l] = xb;
      x[c][l] = xc;
      x[d][l] = xd;
    }
  };
  for (int round = 0; round < 4; ++round) {
    quarter(0, 4, 8, 12);
    quarter(1, 5, 9, 13);
    quarter(2, 6, 10, 14);
    quarter(3, 7, 11, 15);
    quarter(0, 5, 10, 15);
    quarter(1, 6, 11, 12);
    quarter(2, 7, 8, 13);
    quarter(3, 4, 9, 14);
  }
  for (int i = 0; i < 16; ++i)
    for (std::size_t b = 0; b < kLanes; ++b)
      out[static_cast<std::size_t>(i) * kLanes + b] =
          x[i][b] + state[i] + (i == 12 ? static_cast<std::uint32_t>(b) : 0u);
}

/// The normal distribution's quantile (Acklam's rational approximation, one Newton step).
double normal_quantile(double p) {
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                          1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01,
                          -1.328068155288572e+01};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                          -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00};
  if (p > 0.5) return -normal_quantile(1 - p);
  double x;
  if (p < 0.02425) {
    const double q = std::sqrt(-2 * std::log(p));
    x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
        ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  } else {
    const double q = p - 0.5, r = q * q;
    x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
        (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
  }
  const double error = 0.5 * std::erfc(-x / std::sqrt(2.0)) - p;
  return x - error * std::sqrt(2 * 3.14159265358979323846) * std::exp(x * x / 2);
}

constexpr std::uint32_t kSegments = 4096;

struct NormalTable {
  struct Segment {
    float base, slope;
  };
  std::array<Segment, kSegments> segments;

  NormalTable() {
    // Piecewise linear inverse of the distribution function, equally likely segments; the outermost reach ±5.5.
    std::array<double, kSegments + 1> edge;
    edge.front() = -5.5;
    edge.back() = 5.5;
    for (std::uint32_t i = 1; i < kSegments; ++i) edge[i] = normal_quantile(static_cast<double>(i) / kSegments);
    for (std::uint32_t i = 0; i < kSegments; ++i)
      segments[i] = {static_cast<float>(edge[i]), static_cast<float>((edge[i + 1] - edge[i]) * 0x1p-20)};
  }
};

const NormalTable& normal_table() {
  static const NormalTable table;
  return table;
}

float normal_from(const NormalTable& table, std::uint32_t word) {
  const NormalTable::Segment& segment = table.segments[word >> 20];
  return segment.base + segment.slope * (static_cast<float>(word & 0xfffffu) + 0.5f);
}

std::uint32_t little_endian_word(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 |
         std::uint32_t{bytes[3]} << 24;
}

}  // namespace

Random::Random(const std::array<std::uint8_t, 32>& key, std::uint64_t stream) {
  static_assert(kBlocks == kLanes);
  state_ = {0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u};
  for (std::size_t i = 0; i < 8; ++i) state_[4 + i] = little_endian_word(key.data() + 4 * i);
  state_[14] = static_cast<std::uint32_t>(stream);
  state_[15] = static_cast<std::uint32_t>(stream >> 32);
}

void Random::refill() {
  chacha8(state_.data(), batch_.data());
  const std::uint32_t before = state_[12];
  state_[12] += kBlocks;
  if (state_[12] < before) ++state_[13];
  used_ = 0;
}

std::uint32_t Random::bits() {
  if (used_ == batch_.size()) refill();
  return batch_[used_++];
}

std::uint32_t Random::below(std::uint32_t bound) {
  // Rejection of the incomplete last interval keeps it exactly uniform.
  const std::uint32_t threshold = (0u - bound) % bound;
  for (;;) {
    const std::uint64_t product = std::uint64_t{bits()} * bound;
    if (static_cast<std::uint32_t>(product) >= threshold) return static_cast<std::uint32_t>(product >> 32);
  }
}

float Random::uniform(float low, float high) {
  return low + (high - low) * (static_cast<float>(bits() >> 8) * 0x1p-24f);
}

float Random::normal() { return normal_from(normal_table(), bits()); }

bool Random::chance(float probability) { return uniform(0, 1) < probability; }

void Random::fill_bits(std::span<std::uint32_t> out) {
  while (!out.empty()) {
    if (used_ == batch_.size()) refill();
    const std::size_t count = std::min(out.size(), batch_.size() - used_);
    std::copy_n(batch_.begin() + static_cast<std::ptrdiff_t>(used_), count, out.begin());
    used_ += count;
    out = out.subspan(count);
  }
}

void Random::fill_uniform(std::span<float> out, float low, float high) {
  const float width = high - low;
  while (!out.empty()) {
    if (used_ == batch_.size()) refill();
    const std::size_t count = std::min(out.size(), batch_.size() - used_);
    for (std::size_t i = 0; i < count; ++i)
      out[i] = low + width * (static_cast<float>(batch_[used_ + i] >> 8) * 0x1p-24f);
    used_ += count;
    out = out.subspan(count);
  }
}

void Random::fill_normal(std::span<float> out) {
  const NormalTable& table = normal_table();
  while (!out.empty()) {
    if (used_ == batch_.size()) refill();
    const std::size_t count = std::min(out.size(), batch_.size() - used_);
    for (std::size_t i = 0; i < count; ++i) out[i] = normal_from(table, batch_[used_ + i]);
    used_ += count;
    out = out.subspan(count);
  }
}

std::vector<std::uint32_t> Random::permutation(std::uint32_t count) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  for (std::uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[below(i)]);
  return order;
}

}  // namespace crucible
