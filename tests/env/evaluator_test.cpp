#include "env/evaluator.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "env/config_error.h"
#include "sandbox/warden/warden.h"
#include "tests/env/kernels.h"

using namespace crucible;
using crucible::test::honest;
using crucible::test::rms_norm;

namespace {

/// One Evaluator for the whole file: pools and calibrations are made once.
Evaluator& evaluator() {
  static const std::string run = "/tmp/crucible-env-test-" + std::to_string(::getpid());
  static Evaluator shared([] {
    EvaluatorOptions options;
    options.backend = "cpu";
    options.run_directory = run;
    options.config_directory = CRUCIBLE_CONFIG_DIR;
    options.secret = "a secret of the tests, long enough";
    options.time_budget_seconds = 1;
    return options;
  }());
  struct Cleanup {
    ~Cleanup() { std::filesystem::remove_all(run); }
  };
  static Cleanup cleanup;
  return shared;
}

Evaluation evaluate(const std::string& source, std::uint64_t seed = 1) {
  EvaluateOptions options;
  options.seed = seed;
  return evaluator().evaluate(evaluator().task("rms_norm"), source, options);
}

}  // namespace

TEST_CASE("an honest kernel is correct, timed against a production baseline, with an interval") {
  const Evaluation evaluation = evaluate(honest());
  INFO(evaluation.explanation << evaluation.diagnostics);
  REQUIRE(evaluation.verdict == Verdict::correct);
  REQUIRE(evaluation.speedup);
  CHECK(evaluation.speedup->lower <= evaluation.speedup->estimate);
  CHECK(evaluation.speedup->estimate <= evaluation.speedup->upper);
  CHECK(evaluation.speedup->estimate < 1);  // scalar double arithmetic against tuned kernels
  CHECK(evaluation.passed_share() == 1);
  for (const WorkloadTiming& workload : evaluation.workloads) {
    CHECK_FALSE(workload.baseline.empty());
    CHECK(workload.pairs.size() >= 4);
  }
}

TEST_CASE("a repeated source is answered from the cache with the same facts") {
  const Evaluation first = evaluate(honest(), 2);
  const Evaluation second = evaluate(honest(), 2);
  REQUIRE(first.verdict == Verdict::correct);
  CHECK(second.cached);
  CHECK(second.speedup->estimate == first.speedup->estimate);
}

TEST_CASE("each way to fail has its verdict and says why") {
  struct Expectation {
    std::string what, source;
    Verdict verdict;
    std::string said;
  };
  const std::vector<Expectation> all = {
      {"empty", "", Verdict::malformed, "empty"},
      {"blank", " \n\t\r\n", Verdict::malformed, "empty"},
      {"NUL", std::string("int x;\0int y;", 13), Verdict::malformed, "NUL"},
      {"not UTF-8", "// \xff\xfe\n" + honest(), Verdict::malformed, "UTF-8"},
      {"too large", std::string((1 << 20) + 1, ' '), Verdict::malformed, "1048576"},
      {"syntax", rms_norm("return norm(out, input, weight, epsilon)"), Verdict::compile_error, ""},
      {"no entry point", "extern \"C\" int rms_normal(void) { return 0; }", Verdict::compile_error, ""},
      {"no extern C", "int rms_norm(void*, const void*, const void*, double, void*) { return 0; }",
       Verdict::compile_error, ""},
      {"returns 3", rms_norm("return 3;"), Verdict::wrong_result, "returned 3"},
      {"no-op", rms_norm("return 0;"), Verdict::wrong_result, ""},
      {"forgets epsilon", rms_norm("return norm(out, input, weight, 0);"), Verdict::wrong_result, ""},
      {"writes the weight",
       rms_norm(
           "if (weight->shape[0] > 0) store(const_cast<DLTensor*>(weight), 0, load(weight, 0) + 1); return norm(out, "
           "input, weight, epsilon);"),
       Verdict::wrong_result, ""},
      {"throws", rms_norm("throw std::runtime_error(\"tile 7\");", "#include <stdexcept>\n"), Verdict::crashed,
       "tile 7"},
      {"aborts", rms_norm("std::abort();", "#include <cstdlib>\n"), Verdict::crashed, "SIGABRT"},
      {"divides by zero", rms_norm("volatile int zero = 0; return 7 / zero;"), Verdict::crashed, "SIGFPE"},
      {"null pointer", rms_norm("*static_cast<volatile int*>(nullptr) = 1; return 0;"), Verdict::crashed, "SIGSEGV"},
      {"exits", rms_norm("_exit(0);", "#include <unistd.h>\n"), Verdict::crashed, "exit"},
      {"loops", rms_norm("for (volatile int i = 0;;) i = i + 1;"), Verdict::timed_out, "deadline"},
      {"opens a socket",
       rms_norm("socket(2, 1, 0); return norm(out, input, weight, epsilon);", "#include <sys/socket.h>\n"),
       Verdict::integrity_violation, "socket"},
      {"forks",
       rms_norm("if (fork() == 0) _exit(0); return norm(out, input, weight, epsilon);", "#include <unistd.h>\n"),
       Verdict::integrity_violation, ""},
  };
  for (const Expectation& expected : all) {
    CAPTURE(expected.what);
    const Evaluation evaluation = evaluate(expected.source);
    INFO(evaluation.explanation << "\n" << evaluation.diagnostics);
    CHECK(to_string(evaluation.verdict) == to_string(expected.verdict));
    CHECK((evaluation.explanation + evaluation.diagnostics).find(expected.said) != std::string::npos);
    CHECK_FALSE(evaluation.speedup);
  }
  CHECK(evaluate(honest(), 3).verdict == Verdict::correct);  // nothing of it is left behind
}

TEST_CASE("work that goes on after the call returned is found out") {
  const std::string source = rms_norm(
      R"(static std::thread worker; static std::atomic<int> state{0};
         static DLTensor o, x, w; static double e;
         static int64_t os[4], xs[4], ws[1], ost[4], xst[4], wst[1];
         auto copy = [](DLTensor& to, const DLTensor* from, int64_t* shape, int64_t* strides) {
           to = *from; for (int i = 0; i < from->ndim; ++i) { shape[i] = from->shape[i]; strides[i] = from->strides[i]; }
           to.shape = shape; to.strides = strides; };
         while (state.load() != 0) {}
         copy(o, out, os, ost); copy(x, input, xs, xst); copy(w, weight, ws, wst); e = epsilon;
         state.store(1);
         std::thread([] { norm(&o, &x, &w, e); state.store(0); }).detach();
         return 0;)",
      "#include <thread>\n#include <atomic>\n");
  const Evaluation evaluation = evaluate(source);
  INFO(evaluation.explanation);
  CHECK(evaluation.verdict != Verdict::correct);
}

TEST_CASE("what a kernel says about a hidden case stays inside") {
  // Right on the public shapes, which all have at least 128 columns; talkative on the hidden ones.
  const std::string when = "if (input->shape[input->ndim - 1] < 100) ";
  const std::string then = " return norm(out, input, weight, epsilon);";
  const Evaluation threw = evaluate(
      rms_norm(when + "throw std::runtime_error(\"columns \" + std::to_string(input->shape[input->ndim - 1]));" + then,
               "#include <stdexcept>\n#include <string>\n"));
  CHECK(threw.verdict == Verdict::crashed);
  CHECK(threw.explanation.find("hidden") != std::string::npos);
  CHECK(threw.explanation.find("columns") == std::string::npos);
  const Evaluation left =
      evaluate(rms_norm(when + "_exit(37 + int(input->shape[input->ndim - 1]));" + then, "#include <unistd.h>\n"));
  CHECK(left.verdict == Verdict::crashed);
  for (int code = 37; code < 137; ++code) CHECK(left.explanation.find(std::to_string(code)) == std::string::npos);
}

TEST_CASE("a cancelled evaluation leaves the evaluator usable") {
  EvaluateOptions options;
  std::stop_source stop;
  options.stop = stop.get_token();
  options.use_cache = false;
  options.progress = [&](std::string_view stage, double) {
    if (stage == "check" || stage == "time") stop.request_stop();
  };
  CHECK_THROWS_AS(evaluator().evaluate(evaluator().task("rms_norm"), honest(), options), Cancelled);
  CHECK(evaluate(honest(), 4).verdict == Verdict::correct);
}

TEST_CASE("bad configuration names the key and the fix") {
  EvaluatorOptions options;
  options.backend = "cpuu";
  CHECK_THROWS_WITH_AS(Evaluator{options}, doctest::Contains("cpu"), ConfigError);
  CHECK_THROWS_WITH_AS(evaluator().task("rms_nrom"), doctest::Contains("rms_norm"), ConfigError);
}
