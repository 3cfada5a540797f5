#include <algorithm>

#include "reward/novelty/codec.h"
#include "reward/novelty/features.h"

namespace crucible {
namespace {

constexpr std::uint32_t kMagic = 0x544e5243;  // "CRNT"

FeatureSet read_set(novelty::Reader& in) {
  FeatureSet set = in.numbers<std::uint64_t>();
  if (!std::is_sorted(set.begin(), set.end()) || std::adjacent_find(set.begin(), set.end()) != set.end())
    throw std::runtime_error("stored novelty features: a set is not sorted");
  return set;
}

}  // namespace

std::string to_bytes(const KernelFeatures& features) {
  novelty::Writer out;
  out.number(kMagic, 4);
  out.number(KernelFeatures::kVersion, 4);
  out.text(features.backend);
  out.numbers(features.tokens);
  for (const FeatureSet* set :
       {&features.fingerprints, &features.opcodes, &features.slices, &features.chains, &features.accesses})
    out.numbers(*set);
  out.number(features.techniques.size(), 4);
  for (const Technique& t : features.techniques) {
    out.text(t.name);
    out.text(t.evidence);
    out.number(static_cast<std::uint32_t>(t.line), 4);
  }
  for (std::uint16_t value : features.sketch) out.number(value, 2);
  out.text(features.failure);
  return out.take();
}

KernelFeatures features_from_bytes(std::string_view bytes) {
  novelty::Reader in(bytes);
  if (in.number(4) != kMagic) throw std::runtime_error("these are not stored novelty features");
  if (const auto version = in.number(4); version != KernelFeatures::kVersion)
    throw std::runtime_error("stored novelty features have version " + std::to_string(version) +
                             ", this program reads " + std::to_string(KernelFeatures::kVersion));
  KernelFeatures out;
  out.backend = in.text();
  out.tokens = in.numbers<std::uint16_t>();
  for (FeatureSet* set : {&out.fingerprints, &out.opcodes, &out.slices, &out.chains, &out.accesses})
    *set = read_set(in);
  const std::uint64_t techniques = in.number(4);
  for (std::uint64_t i = 0; i < techniques; ++i) {
    Technique t;
    t.name = in.text();
    t.evidence = in.text();
    t.line = static_cast<int>(static_cast<std::uint32_t>(in.number(4)));
    out.techniques.push_back(std::move(t));
  }
  for (std::uint16_t& value : out.sketch) value = static_cast<std::uint16_t>(in.number(2));
  out.failure = in.text();
  in.expect_end();
  return out;
}

}  // namespace crucible
