#include "reward/novelty/sketch.h"

#include <limits>

#include "reward/novelty/hashing.h"

namespace crucible::novelty {

Sketch sketch_of(const FeatureSet& features) {
  constexpr std::uint64_t kEmpty = std::numeric_limits<std::uint64_t>::max();
  Sketch out{};
  if (features.empty()) return out;
  std::array<std::uint64_t, std::tuple_size_v<Sketch>> smallest;
  smallest.fill(kEmpty);
  for (std::uint64_t f : features) {
    const std::uint64_t h = mix(f ^ 0x5bf03635dcd1e5f1ull);
    std::uint64_t& bin = smallest[h % smallest.size()];
    bin = std::min(bin, h >> 8);
  }
  for (std::size_t i = 0; i < smallest.size(); ++i) {
    std::size_t from = i;
    for (std::uint64_t attempt = 1; smallest[from] == kEmpty; ++attempt)
      from = static_cast<std::size_t>(combine(i, attempt) % smallest.size());
    out[i] = static_cast<std::uint16_t>(mix(smallest[from] + i * (from != i)));
  }
  return out;
}

double agreement(const Sketch& a, const Sketch& b) {
  int equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i];
  return static_cast<double>(equal) / static_cast<double>(a.size());
}

std::vector<std::uint64_t> band_keys(const Sketch& sketch, std::uint64_t salt) {
  std::vector<std::uint64_t> keys;
  keys.reserve(kBands);
  for (int band = 0; band < kBands; ++band) {
    std::uint64_t key = combine(salt, static_cast<std::uint64_t>(band));
    for (int row = 0; row < kRowsPerBand; ++row)
      key = combine(key, sketch[static_cast<std::size_t>(band * kRowsPerBand + row)]);
    keys.push_back(key);
  }
  return keys;
}

}  // namespace crucible::novelty
