#include <doctest/doctest.h>

#include <chrono>
#include <random>

#include "tests/novelty/compiled.h"

/// Whatever the text holds, the analyser ends soon, and its failure is a value that pays nothing.
using namespace crucible;

namespace {

const std::string kText = R"(
struct Pair { float a, b; };
extern "C" int f(float* out, const float* in, long n, int mode) {
  Pair sums = {0, 0};
  float part[8] = {};
  for (long i = 0; i < n; ++i) {
    switch (mode) { case 0: sums.a += in[i]; break; case 1: sums.b = in[i] > sums.b ? in[i] : sums.b; break; default: part[i & 7] += in[i]; }
    __asm__ volatile("addss %1, %0\n\tmulss %1, %0" : "+x"(sums.a) : "x"(in[i]));
  }
  for (float p : part) sums.a += p;
  for (long i = 0; i < n; ++i) out[i] = in[i] * sums.a + sums.b;
  return 0;
})";

double seconds_for(std::string_view dump) {
  const auto begin = std::chrono::steady_clock::now();
  (void)extract_features(CpuSource{kText, dump, {}, "f"});
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

TEST_CASE("mutated dumps never throw") {
  const std::string dump = gimple_of(kText);
  REQUIRE(extract_features(CpuSource{kText, dump, {}, "f"}).slices.size() > 10);
  std::mt19937 random(7);
  const std::string marks = "()[]{}<>;:,\"=*&#\n_.0123456789abcPHI";
  for (int round = 0; round < 400; ++round) {
    std::string mutant = dump;
    for (int edit = 0; edit < 1 + round % 20; ++edit) {
      const std::size_t at = random() % mutant.size();
      switch (random() % 4) {
        case 0:
          mutant[at] = marks[random() % marks.size()];
          break;
        case 1:
          mutant.erase(at, random() % 200);
          break;
        case 2:
          mutant.insert(at, mutant.substr(random() % mutant.size(), random() % 200));
          break;
        default:
          mutant[at] = static_cast<char>(random());
      }
      if (mutant.empty()) mutant = " ";
    }
    const KernelFeatures features = extract_features(CpuSource{kText, mutant, {}, "f"});
    CHECK(features_from_bytes(to_bytes(features)) == features);
  }
}

TEST_CASE("enormous and degenerate texts end soon") {
  CHECK(seconds_for(std::string(8 << 20, '(')) < 5);
  CHECK(seconds_for(std::string(8 << 20, '[')) < 5);
  CHECK(seconds_for(std::string(8 << 20, '"')) < 5);
  std::string chain =
      ";; Function f (f, funcdef_no=1, decl_uid=1, cgraph_uid=1, symbol_order=1)\n\nint f (float * p)\n{\n  <bb 2> :\n";
  for (int i = 1; i < 150000; ++i)
    chain += "  _" + std::to_string(i + 1) + " = _" + std::to_string(i) + " + _" + std::to_string(i / 2 + 1) + ";\n";
  chain += "  *p_1(D) = _150000;\n  return 0;\n\n}\n";
  CHECK(seconds_for(chain) < 5);
  std::string blocks =
      ";; Function f (f, funcdef_no=1, decl_uid=1, cgraph_uid=1, symbol_order=1)\n\nint f (float * p)\n{\n";
  for (int i = 2; i < 15000; ++i)
    blocks += "  <bb " + std::to_string(i) + "> :\n  if (a_1 < 3)\n    goto <bb " + std::to_string(2 + i / 2) +
              ">;\n  else\n    goto <bb " + std::to_string(i + 1) + ">;\n\n";
  blocks += "  <bb 15000> :\n  return 0;\n\n}\n";
  CHECK(seconds_for(blocks) < 5);
}

TEST_CASE("a program beyond the bounds is a failure that pays nothing") {
  std::string big =
      ";; Function f (f, funcdef_no=1, decl_uid=1, cgraph_uid=1, symbol_order=1)\n\nint f (float * p)\n{\n  <bb 2> :\n";
  for (int i = 1; i < 260000; ++i) big += "  _" + std::to_string(i + 1) + " = _" + std::to_string(i) + " * 3;\n";
  const KernelFeatures features = extract_features(CpuSource{kText, big + "\n}\n", {}, "f"});
  CHECK_FALSE(features.failure.empty());
  const NoveltyFacts facts = assess(features, KnownSet(), "t");
  CHECK_FALSE(facts.score);
  CHECK(facts.failure == features.failure);
}

TEST_CASE("broken PTX is no danger either") {
  const std::string ptx = R"(.version 9.0
.target sm_90a
.visible .entry k(.param .u64 k_param_0){
.reg .f32 %f<4>; .reg .b64 %rd<4>;
ld.param.u64 %rd1, [k_param_0];
mov.u32 %r1, %tid.x;
mul.wide.s32 %rd2, %r1, 4;
add.s64 %rd3, %rd1, %rd2;
ld.global.f32 %f1, [%rd3];
$L1: mul.f32 %f1, %f1, %f1;
@%p1 bra $L1;
st.global.f32 [%rd3], %f1;
ret;
})";
  REQUIRE(extract_features(CudaSource{"__global__ void k(float*);", ptx, {"k"}}).slices.size() > 0);
  std::mt19937 random(11);
  for (int round = 0; round < 600; ++round) {
    std::string mutant = ptx;
    for (int edit = 0; edit < 1 + round % 8; ++edit) {
      const std::size_t at = random() % mutant.size();
      if (random() % 2 == 0)
        mutant.erase(at, random() % 30);
      else
        mutant.insert(at, mutant.substr(random() % mutant.size(), random() % 40));
      if (mutant.empty()) mutant = " ";
    }
    (void)extract_features(CudaSource{"int", mutant, {"k"}});
  }
}
