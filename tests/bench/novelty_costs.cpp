/// What novelty costs, printed: `novelty_costs < lines`, lines as tests/novelty/pairs_tool.cpp reads them
/// ("NAME<tab>ENTRY<tab>TEXT<tab>GIMPLE<tab>ROLE"; `evaluate.py --list FILE` writes them). Processor time, so that a
/// busy machine disturbs little. Not a test.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include "reward/novelty/novelty.h"
#include "reward/novelty/sketch.h"

namespace {

using namespace crucible;

std::string slurp(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

double milliseconds_since(std::clock_t begin) {
  return 1000.0 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

void print(const char* what, std::vector<double> ms) {
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double p) { return ms[std::min(ms.size() - 1, static_cast<std::size_t>(p * ms.size()))]; };
  std::printf("%-44s p50 %7.2f ms   p99 %7.2f ms   most %7.2f ms   (%zu)\n", what, at(0.5), at(0.99), ms.back(),
              ms.size());
}

/// A real kernel of which a share of the features was drawn anew: 0.05 a near copy, 0.5 a distant relative.
KernelFeatures relative(const KernelFeatures& of, double share, std::mt19937_64& random) {
  KernelFeatures out = of;
  std::bernoulli_distribution changes(share);
  for (FeatureSet* set : {&out.fingerprints, &out.opcodes, &out.slices, &out.chains, &out.accesses}) {
    for (std::uint64_t& feature : *set)
      if (changes(random)) feature = random();
    std::sort(set->begin(), set->end());
  }
  FeatureSet all = out.slices;
  all.insert(all.end(), out.accesses.begin(), out.accesses.end());
  std::sort(all.begin(), all.end());
  out.sketch = novelty::sketch_of(all);
  return out;
}

void query(const char* what, const std::vector<KernelFeatures>& real, double least, double most) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> share(least, most);
  std::vector<KnownKernel> kernels;
  for (int i = 0; i < 100000; ++i) {
    KnownKernel kernel;
    kernel.task = "t";
    kernel.name = std::to_string(i);
    kernel.origin = i < 8 ? "known" : "discovered";
    kernel.features = relative(real[static_cast<std::size_t>(i) % real.size()], share(random), random);
    kernels.push_back(std::move(kernel));
  }
  const KnownSet set(std::move(kernels));
  std::vector<double> ms;
  for (int q = 0; q < 400; ++q) {
    const KernelFeatures asked = relative(real[static_cast<std::size_t>(q) % real.size()], 0.1, random);
    const std::clock_t begin = std::clock();
    const NoveltyFacts facts = assess(asked, set, "t");
    ms.push_back(milliseconds_since(begin));
    if (facts.nearest.empty()) std::abort();
  }
  print(what, ms);
}

}  // namespace

int main() {
  std::vector<KernelFeatures> real;
  std::vector<double> extraction;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream fields(line);
    std::string name, entry, text, gimple;
    std::getline(fields, name, '\t');
    std::getline(fields, entry, '\t');
    std::getline(fields, text, '\t');
    std::getline(fields, gimple, '\t');
    const std::string source = slurp(text), dump = slurp(gimple);
    const std::clock_t begin = std::clock();
    KernelFeatures features = extract_features(CpuSource{source, dump, {}, entry});
    extraction.push_back(milliseconds_since(begin));
    if (features.failure.empty()) real.push_back(std::move(features));
  }
  if (real.empty()) return 2;
  print("features of one kernel", extraction);
  query("a query, 100,000 kernels of every kind", real, 0.2, 0.95);
  query("a query, 100,000 near copies", {real.front()}, 0.0, 0.2);
}
