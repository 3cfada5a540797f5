#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "reward/novelty/novelty.h"

/// What the analyser reads of a candidate, chosen by the first byte: the compiler's dump, PTX, or features from a
/// cache.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crucible;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t middle = text.size() / 2;
  switch (data[0] % 4) {
    case 0:
    case 1: {  // 1: with a source and an assembly that do not belong to the dump
      CpuSource source;
      source.gimple = text;
      source.entry_point = "f";
      if (data[0] % 4 == 1) source.preprocessed = text.substr(0, middle), source.assembly = text.substr(middle);
      const KernelFeatures features = extract_features(source);
      if (!(features_from_bytes(to_bytes(features)) == features)) std::abort();
      break;
    }
    case 2: {
      CudaSource source;
      source.ptx = text;
      source.preprocessed = text.substr(0, middle);
      const KernelFeatures features = extract_features(source);
      if (!(features_from_bytes(to_bytes(features)) == features)) std::abort();
      break;
    }
    default:
      try {
        const KernelFeatures features = features_from_bytes(text);
        if (!(features_from_bytes(to_bytes(features)) == features)) std::abort();
      } catch (const std::runtime_error&) {
      }
  }
  return 0;
}
