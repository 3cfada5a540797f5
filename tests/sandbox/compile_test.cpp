#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <set>
#include <thread>

#include "rig.h"

using namespace crucible;
using namespace crucible::test;
using Status = CompileResult::Status;

namespace {

CompileResult compile(const std::string& source, std::chrono::milliseconds deadline = std::chrono::seconds(30)) {
  CompileRequest request = request_for(source, "act");
  request.deadline = deadline;
  return warden()->compile(request);
}

const std::string kGood = "extern \"C\" int act(void*, long, void*) { return 0; }\n";

bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a good text becomes a sealed artifact with its two views") {
  const CompileResult result = compile("#include <crucible/kernel.h>\n#include <cmath>\n// comment\n" + kGood);
  REQUIRE_MESSAGE(result.status == Status::ok, result.diagnostics);
  CHECK(result.diagnostics.empty());
  CHECK((::fcntl(result.artifact.get(), F_GET_SEALS) & F_SEAL_WRITE) != 0);
  CHECK(mentions(result.assembly, "act:"));
  CHECK(mentions(result.preprocessed, "int act("));
  CHECK_FALSE(mentions(result.preprocessed, "comment"));
  CHECK_FALSE(mentions(result.preprocessed, "__builtin_acosl"));
  CHECK(result.compiler_time.count() > 0);
}

TEST_CASE("diagnostics name the candidate's file and nothing of the jail") {
  const CompileResult result = compile("int act( { return nonsense; }\n");
  CHECK(result.status == Status::error);
  CHECK(mentions(result.diagnostics, "candidate.cpp:1:"));
  CHECK_FALSE(mentions(result.diagnostics, "/work"));
  CHECK_FALSE(mentions(result.diagnostics, "/tmp/"));
  CHECK_FALSE(mentions(result.diagnostics, "\x1b"));
}

TEST_CASE("a missing entry point is a readable error") {
  const CompileResult result = compile("extern \"C\" int other() { return 0; }\n");
  CHECK(result.status == Status::error);
  CHECK(mentions(result.diagnostics, "entry point is missing"));
  CHECK(mentions(result.diagnostics, "int act("));
  CHECK_FALSE(mentions(result.diagnostics, "without extern"));
  const CompileResult mangled = compile("int act() { return 0; }\n");
  CHECK(mangled.status == Status::error);
  CHECK(mentions(mangled.diagnostics, "without extern \"C\""));
  const CompileResult internal = compile("extern \"C\" { static int act() { return 0; } int f() { return act(); } }\n");
  CHECK(internal.status == Status::error);
}

TEST_CASE("a vendor library does not link") {
  const CompileResult result =
      compile("extern \"C\" void cblas_sgemm(...);\nextern \"C\" int act() { cblas_sgemm(1); return 0; }\n");
  CHECK(result.status == Status::error);
  CHECK(mentions(result.diagnostics, "cblas_sgemm"));
}

TEST_CASE("secrets of the host stay outside") {
  const std::string secret = "/tmp/crucible-test-secret.h";
  std::ofstream(secret) << "int SECRETVALUE here;\n";
  const std::string attempts[] = {
      "#include \"" + secret + "\"\n" + kGood,
      "#line 1 \"" + secret + "\"\nint x = nonsense;\n" + kGood,
      "# 1 \"" + secret + "\"\nint x = nonsense;\n" + kGood,
      "#include \"/etc/shadow\"\n" + kGood,
      "#line 1 \"/etc/passwd\"\nint x = nonsense;\n" + kGood,
      "#include \"/proc/self/environ\"\n" + kGood,
      "#include \"/proc/self/cmdline\"\n" + kGood,
      "#include \"../../../../etc/passwd\"\n" + kGood,
      "#include \"/dev/stdin\"\nint x = nonsense;\n" + kGood,
      "asm(\".incbin \\\"/etc/passwd\\\"\");\n" + kGood,
      "asm(\".incbin \\\"/usr/lib/x86_64-linux-gnu/libopenblas.so.0\\\"\");\n" + kGood,
      "asm(\".incbin \\\"/usr/lib/python3/dist-packages/README\\\"\");\n" + kGood,
      "asm(\".include \\\"/etc/passwd\\\"\");\n" + kGood,
  };
  for (const std::string& source : attempts) {
    CAPTURE(source);
    const CompileResult result = compile(source);
    CHECK(result.status != Status::ok);
    CHECK(result.status != Status::infrastructure);
    CHECK_FALSE(mentions(result.diagnostics, "SECRETVALUE"));
    CHECK_FALSE(mentions(result.diagnostics, "root:"));
    CHECK_FALSE(mentions(result.preprocessed, "root:"));
  }
  const CompileResult oracle =
      compile("#if __has_include(\"" + secret +
              "\") || __has_include(\"/etc/passwd\") || __has_include(\"/root\")\n#error seen\n#endif\n" + kGood);
  // Without a mount namespace the existence of a file can be seen, never its contents.
  if (warden()->isolation().walls.at("mount_namespace")) CHECK_MESSAGE(oracle.status == Status::ok, oracle.diagnostics);
  ::unlink(secret.c_str());
}

TEST_CASE("only the toolchain's own headers are there") {
  for (const char* header : {"eigen3/Eigen/Core", "boost/version.hpp", "nlohmann/json.hpp", "doctest/doctest.h"}) {
    const CompileResult result = compile("#include <" + std::string(header) + ">\n" + kGood);
    CAPTURE(header);
    CHECK(result.status == Status::error);
  }
}

TEST_CASE("the whole standard library and the compiler's intrinsics are there") {
  std::string source;
  for (const char* header : {"algorithm", "execution", "ranges", "span", "bit", "numbers", "experimental/simd", "omp.h",
                             "thread", "atomic", "immintrin.h", "cstring", "sys/mman.h", "linux/futex.h"})
    source += "#include <" + std::string(header) + ">\n";
#if !defined(__x86_64__)
  source.erase(source.find("#include <immintrin.h>"), sizeof "#include <immintrin.h>");
#endif
  const CompileResult result = compile(source + kGood);
  CHECK_MESSAGE(result.status == Status::ok, result.diagnostics);
}

TEST_CASE("bombs end within their limits") {
  const auto begun = std::chrono::steady_clock::now();
  const CompileResult endless = compile(
      "template <int N, int M> struct T { static constexpr int v = T<N - 1, M>::v + T<N - 1, M + 1>::v; };\n"
      "template <int M> struct T<0, M> { static constexpr int v = M; };\nint x = T<600, 0>::v;\n" +
          kGood,
      std::chrono::milliseconds(700));
  CHECK(endless.status != Status::ok);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(8));

  const CompileResult zero = compile("#include \"/dev/zero\"\n" + kGood, std::chrono::seconds(5));
  CHECK(zero.status == Status::error);

  const CompileResult giant = compile("asm(\".bss\\n.text\\n.fill 400000000,1,1\");\n" + kGood);
  CHECK(giant.status == Status::error);
  CHECK_FALSE(giant.artifact);

  std::string noise;
  for (int i = 0; i < 3000; ++i)
    noise += "#warning \"a long line of noise that fills the log with nothing of value\"\n";
  const CompileResult noisy = compile(noise + "#error end\n");
  CHECK(noisy.status == Status::error);
  CHECK(noisy.diagnostics.size() <= (16u << 10));
}

TEST_CASE("a deadline kills the whole tree of compilers") {
  const auto begun = std::chrono::steady_clock::now();
  const CompileResult result = compile(
      "constexpr long spin() { long s = 0; for (long i = 0; i < 200; ++i) for (long j = 0; j < 20000; ++j) s += j;"
      " return s; }\n#define A(n) constexpr long x##n = spin();\nA(1) A(2) A(3) A(4) A(5) A(6) A(7) A(8) A(9)\n" +
          kGood,
      std::chrono::milliseconds(300));
  CHECK(result.status == Status::timed_out);
  CHECK(mentions(result.diagnostics, "300 ms"));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
}

TEST_CASE("a compilation can be cancelled") {
  std::stop_source source;
  std::jthread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    source.request_stop();
  });
  CHECK_THROWS_AS(warden()->compile(request_for(program_text("benign_acts.cpp"), "act"), source.get_token()),
                  Cancelled);
}

TEST_CASE("a frozen compilation waits, and its deadline with it") {
  warden()->freeze_compilations(true);
  std::atomic<bool> done{false};
  CompileResult result;
  std::jthread compiling([&] {
    result = compile(kGood, std::chrono::milliseconds(3000));
    done = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  CHECK_FALSE(done);
  warden()->freeze_compilations(false);
  compiling.join();
  CHECK_MESSAGE(result.status == Status::ok, result.diagnostics);
}

TEST_CASE("several threads compile at once and each gets its own answer") {
  std::vector<std::jthread> threads;
  std::vector<CompileResult> results(5);
  for (std::size_t i = 0; i < results.size(); ++i)
    threads.emplace_back([&results, i] {
      const std::string mark = "mark_" + std::to_string(i);
      results[i] = warden()->compile(request_for("extern \"C\" int " + mark + "() { return 0; }\n", mark));
    });
  threads.clear();
  for (std::size_t i = 0; i < results.size(); ++i) {
    CHECK_MESSAGE(results[i].status == Status::ok, results[i].diagnostics);
    CHECK(mentions(results[i].assembly, "mark_" + std::to_string(i)));
  }
}
