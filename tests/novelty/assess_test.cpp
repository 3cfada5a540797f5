#include <doctest/doctest.h>

#include "reward/novelty/novelty.h"
#include "tests/novelty/compiled.h"

using namespace crucible;

namespace {

constexpr const char* kRows = R"(extern "C" int f(float* out, const float* in, long rows, long width) {
  for (long r = 0; r < rows; ++r) { float sum = 0; for (long i = 0; i < width; ++i) sum += in[r * width + i];
    for (long i = 0; i < width; ++i) out[r * width + i] = in[r * width + i] / sum; }
  return 0; })";
constexpr const char* kRenamed = R"(/* mine */ extern "C" int f(float* q, const float* z, long a, long b) {
  for (long k = 0; k < a; ++k) {
    float total = 0;  // sum
    for (long j = 0; j < b; ++j) total += z[k * b + j];
    for (long j = 0; j < b; ++j) q[k * b + j] = z[k * b + j] / total;
  }
  return 0;
})";

KernelFeatures of(std::string_view text) { return compiled(std::string(text)); }

KnownKernel known(const char* name, std::string_view text) {
  KnownKernel kernel;
  kernel.name = name;
  kernel.task = "rows";
  kernel.features = of(text);
  return kernel;
}

}  // namespace

TEST_CASE("a renamed and reformatted copy is a copy") {
  const KnownSet set({known("rows", kRows)});
  const NoveltyFacts facts = assess(of(kRenamed), set, "rows");
  REQUIRE(facts.score);
  CHECK(*facts.score == 0);
  CHECK(facts.similarity > 0.99);
  REQUIRE(facts.nearest.size() == 1);
  CHECK(facts.nearest[0].name == "rows");
}

TEST_CASE("kernels of another task are not compared, and nothing known is wholly new") {
  const KnownSet set({known("rows", kRows)});
  const NoveltyFacts facts = assess(of(kRenamed), set, "columns");
  REQUIRE(facts.score);
  CHECK(*facts.score == 1);
  CHECK(facts.nearest.empty());
}

TEST_CASE("an analyser failure is said, and leaves the score empty") {
  const NoveltyFacts facts = assess(of(""), KnownSet({known("rows", kRows)}), "rows");
  CHECK_FALSE(facts.score);
  CHECK_FALSE(facts.failure.empty());
}

TEST_CASE("features and sets survive their bytes; a set's hash ignores the order") {
  const KnownSet one(
      {known("a", kRows),
       known("b", "extern \"C\" int f(float* p, long n) { for (long i = 0; i < n; ++i) p[i] *= p[i]; return 0; }")});
  const KnownSet two(
      {known("b", "extern \"C\" int f(float* p, long n) { for (long i = 0; i < n; ++i) p[i] *= p[i]; return 0; }"),
       known("a", kRows)});
  CHECK(one.hash() == two.hash());
  CHECK(one.hash() != one.with(known("c", kRows)).hash());
  const KnownSet back = KnownSet::from_bytes(one.to_bytes());
  CHECK(back.hash() == one.hash());
  CHECK(back.at(0).features == one.at(0).features);
  const std::string bytes = one.to_bytes();
  for (std::size_t cut = 0; cut < bytes.size(); cut += 7) CHECK_THROWS(KnownSet::from_bytes(bytes.substr(0, cut)));
}
