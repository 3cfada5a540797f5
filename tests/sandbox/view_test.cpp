#include "sandbox/compile/view.h"

#include <doctest/doctest.h>

#include "sandbox/compile/plain_text.h"
#include "tests/sandbox/rig.h"

using namespace crucible;

namespace {

std::string plain(const std::string& own) {
  return plain_text("# 1 \"candidate.cpp\"\n" + own, "", "candidate.cpp").text;
}
bool directed(const std::string& own) {
  return plain_text("# 1 \"candidate.cpp\"\n" + own, "", "candidate.cpp").directed;
}

std::size_t functions_of(const std::string& gimple) {
  std::size_t count = 0;
  for (std::size_t at = gimple.find(";; Function "); at != std::string::npos; at = gimple.find(";; Function ", at + 1))
    ++count;
  return count;
}

CompileResult compiled(const std::string& source) {
  return test::warden()->compile(test::request_for(source, "f"), {});
}

const std::string kOutlined = R"(
static __attribute__((noinline)) float square(float x) { return x * x; }
extern "C" int f(float* out, const float* in, long n) {
  for (long i = 0; i < n; ++i) out[i] = square(in[i]);
  return 0;
}
)";

}  // namespace

TEST_CASE("what only directs the optimizer is taken out, and lines keep their numbers") {
  CHECK(plain("static volatile int x;\n") == "# 1 \"candidate.cpp\"\nstatic   int x;\n");
  CHECK(plain("__attribute__((\n__noinline__, aligned(8))) int f();\n") ==
        "# 1 \"candidate.cpp\"\n__attribute__((\nunused, aligned(8))) int f();\n");
  CHECK(plain("[[gnu::noipa]] int f();\n") == "# 1 \"candidate.cpp\"\n[[gnu::unused]] int f();\n");
  CHECK(plain("__attribute__((optimize(\"O0\"), noclone)) int f();\n") ==
        "# 1 \"candidate.cpp\"\n__attribute__((unused, unused)) int f();\n");
  CHECK(plain("#pragma GCC optimize (\"O0\")\nint x;\n") == "# 1 \"candidate.cpp\"\n\nint x;\n");
  CHECK(plain("asm volatile(\"\" : \"+x\"(v)); g();\n") == "# 1 \"candidate.cpp\"\n ; g();\n");
  // Between the words of one attribute the preprocessor may write a marker.
  CHECK(plain("__attribute__\n# 20 \"candidate.cpp\"\n((noinline)) int f();\n").find("noinline") == std::string::npos);
}

TEST_CASE("what says something about the code stays") {
  for (const char* kept :
       {"int noinline = 1;\n", "const char* s = \"volatile\";\n", "auto s = R\"x(volatile)x\";\n", "char c = '\"';\n",
        "asm volatile_(\"vaddps\");\n", "asm(\"\" : \"=x\"(r) : \"0\"(v));\n", "#pragma omp parallel for\n",
        "__attribute__((aligned(64), target(\"avx2\"))) float a[4];\n", "int n = 1'000'000;\n"}) {
    CAPTURE(kept);
    CHECK_FALSE(directed(kept));
    CHECK(plain(kept) == std::string("# 1 \"candidate.cpp\"\n") + kept);
  }
}

TEST_CASE("a header is left alone, and markers of the candidate's own name the candidate") {
  const std::string header = "# 1 \"/usr/include/a.h\" 1 3\nvolatile int theirs;\n";
  const PlainText out = plain_text(header + "# 3 \"candidate.cpp\" 2\nint x;\n# 7 \"evil\\n_1 = 2;\"\nint y;\n",
                                   "c: candidate.cpp /usr/include/a.h", "candidate.cpp");
  CHECK(out.directed);
  CHECK(out.text == header + "# 3 \"candidate.cpp\" 2\nint x;\n# 7 \"candidate.cpp\"\nint y;\n");
}

TEST_CASE("a function that the author keeps out of line is seen inlined; what runs is as written") {
  const CompileResult result = compiled(kOutlined);
  REQUIRE(result.status == CompileResult::Status::ok);
  CHECK(result.view_failure == "");
  CHECK(functions_of(result.gimple) == 1);
  CHECK(result.gimple.find("square") == std::string::npos);
  CHECK(result.assembly.find("square") != std::string::npos);
  CHECK(functions_of(compiled("extern \"C\" int f(float* p) { p[0] = 1; return 0; }").gimple) == 1);
}

TEST_CASE("a line directive writes nothing into the dump") {
  const std::string evil = "#line 7 \"x\\n  injected_1 = 5;\\nq\"\n";
  const CompileResult result = compiled("extern \"C\" int f(float* p, long n) {\n" + evil + "#include <math.h>\n" +
                                        "for (long i = 0; i < n; ++i) p[i] = __builtin_sqrtf(p[i]);\n return 0; }\n");
  CHECK(result.status != CompileResult::Status::infrastructure);
  const CompileResult whole = compiled(evil + "#include <math.h>\nextern \"C\" int f(float* p, long n) {\n" +
                                       "for (long i = 0; i < n; ++i) p[i] = sqrtf(p[i]);\n return 0; }\n");
  REQUIRE(whole.status == CompileResult::Status::ok);
  CHECK(whole.gimple.find(";; Function f") != std::string::npos);
  CHECK(whole.gimple.find("injected") == std::string::npos);
}

TEST_CASE("a kernel that cannot be seen whole has no dump, and says why") {
  // Two overloads that differ in nothing but what is taken out.
  const CompileResult result = compiled(
      "static int g(int& x) { return x; } static int g(volatile int& x) { return x + 1; }\n"
      "extern \"C\" int f(int* p) { volatile int v = 1; p[0] = g(v) + g(p[1]); return 0; }");
  REQUIRE(result.status == CompileResult::Status::ok);
  CHECK(result.gimple == "");
  CHECK(result.view_failure != "");
}
