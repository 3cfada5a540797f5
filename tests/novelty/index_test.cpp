#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <random>

#include "reward/novelty/novelty.h"
#include "reward/novelty/sketch.h"

/// The index at the size the design asks for.
using namespace crucible;

namespace {

KnownKernel random_kernel(std::mt19937_64& random, int index, const KnownKernel* near) {
  KnownKernel kernel;
  kernel.task = "t";
  kernel.name = std::to_string(index);
  kernel.origin = "discovered";
  kernel.features.backend = "cpu";
  for (auto [set, size] : {std::pair{&kernel.features.slices, 90}, std::pair{&kernel.features.chains, 70},
                           std::pair{&kernel.features.accesses, 40}, std::pair{&kernel.features.opcodes, 120}}) {
    for (int i = 0; i < size; ++i) set->push_back(random());
    std::sort(set->begin(), set->end());
  }
  if (near != nullptr) {  // one feature in ten changed
    kernel.features = near->features;
    for (FeatureSet* set : {&kernel.features.slices, &kernel.features.chains, &kernel.features.accesses}) {
      for (std::uint64_t& feature : *set)
        if (random() % 10 == 0) feature = random();
      std::sort(set->begin(), set->end());
    }
  }
  FeatureSet all = kernel.features.slices;
  all.insert(all.end(), kernel.features.accesses.begin(), kernel.features.accesses.end());
  kernel.features.sketch = novelty::sketch_of(all);
  return kernel;
}

}  // namespace

TEST_CASE("a query against 100,000 kernels finds the near copy in time") {
  std::mt19937_64 random(3);
  std::vector<KnownKernel> kernels;
  for (int i = 0; i < 100000; ++i) kernels.push_back(random_kernel(random, i, nullptr));
  std::vector<KnownKernel> queries;
  std::vector<std::string> expected;
  for (int q = 0; q < 300; ++q) {
    const KnownKernel& target = kernels[random() % kernels.size()];
    expected.push_back(target.name);
    queries.push_back(random_kernel(random, q, &target));
  }
  const KnownSet set(std::move(kernels));
  std::vector<double> milliseconds;
  int found = 0;
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const std::clock_t begin = std::clock();  // of this process: the machine may be busy
    const NoveltyFacts facts = assess(queries[q].features, set, "t");
    milliseconds.push_back(1000.0 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    found += !facts.nearest.empty() && facts.nearest[0].name == expected[q];
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  MESSAGE("p50 " << milliseconds[150] << " ms, p99 " << milliseconds[297] << " ms, found " << found << " of 300");
  CHECK(found >= 294);
  CHECK(milliseconds[297] < 5.0);
}
