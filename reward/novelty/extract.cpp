#include <algorithm>
#include <exception>
#include <stdexcept>

#include "reward/novelty/features.h"
#include "reward/novelty/gimple.h"
#include "reward/novelty/ptx.h"
#include "reward/novelty/sketch.h"
#include "reward/novelty/slices.h"
#include "reward/novelty/tokens.h"

namespace crucible {
namespace {

void read_source(std::string_view preprocessed, KernelFeatures& out) {
  out.tokens = novelty::normalized_tokens(preprocessed);
  out.fingerprints = novelty::winnow(out.tokens);
}

/// The sketch is of what survives a disguise; of the text only where nothing was compiled.
void finish(KernelFeatures& out) {
  FeatureSet all = out.slices;
  all.insert(all.end(), out.accesses.begin(), out.accesses.end());
  std::sort(all.begin(), all.end());
  out.sketch = novelty::sketch_of(all.empty() ? out.fingerprints : all);
}

template <class Body>
KernelFeatures guarded(const char* backend, Body body) {
  KernelFeatures out;
  out.backend = backend;
  try {
    body(out);
    if (out.tokens.empty() && out.slices.empty()) out.failure = "there is no code to analyse";
  } catch (const std::exception& error) {
    out = KernelFeatures{};
    out.backend = backend;
    out.failure = error.what();
  }
  return out;
}

}  // namespace

KernelFeatures extract_features(const CpuSource& source) {
  return guarded("cpu", [&](KernelFeatures& out) {
    read_source(source.preprocessed, out);
    novelty::Program program = novelty::read_gimple(source.gimple, source.preprocessed);
    novelty::describe_program(program, {std::string(source.entry_point)}, source.gimple, out);
    // Text alone is no evidence: it is what a disguise changes.
    if (out.slices.empty()) throw std::runtime_error("the compiled form does not show how outputs are computed");
    finish(out);
  });
}

KernelFeatures extract_features(const CudaSource& source) {
  return guarded("cuda", [&](KernelFeatures& out) {
    read_source(source.preprocessed, out);
    novelty::Program program = novelty::read_ptx(source.ptx);
    novelty::describe_program(program, source.launched_kernels, source.ptx, out);
    finish(out);
  });
}

}  // namespace crucible
