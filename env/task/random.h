#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace crucible {

/// Deterministic random numbers from a secret key: ChaCha8 in counter mode, so that what a candidate sees of one input
/// tells it nothing about the next. `stream` separates the tensors of a call. The same on every machine up to the last
/// bit of libm's log and sqrt (normals).
class Random {
 public:
  Random(const std::array<std::uint8_t, 32>& key, std::uint64_t stream);

  std::uint32_t bits();
  std::uint32_t below(std::uint32_t bound);  ///< uniform in [0, bound); bound > 0
  float uniform(float low, float high);
  float normal();
  bool chance(float probability);

  void fill_bits(std::span<std::uint32_t> out);
  void fill_uniform(std::span<float> out, float low, float high);
  void fill_normal(std::span<float> out);  ///< mean 0, variance 1, |x| ≤ 5.5

  /// 0, 1, …, count−1 in random order.
  std::vector<std::uint32_t> permutation(std::uint32_t count);

 private:
  static constexpr std::size_t kBlocks = 16;  ///< produced together, one per vector lane
  using Batch = std::array<std::uint32_t, 16 * kBlocks>;

  void refill();

  std::array<std::uint32_t, 16> state_{};
  Batch batch_{};
  std::size_t used_ = batch_.size();
};

}  // namespace crucible
