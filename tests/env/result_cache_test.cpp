#include "env/result_cache.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace crucible;

TEST_CASE("only verdicts that repeating cannot change are kept") {
  for (Verdict verdict : kAllVerdicts) {
    CAPTURE(to_string(verdict));
    const bool kept =
        verdict == Verdict::correct || verdict == Verdict::wrong_result || verdict == Verdict::compile_error;
    CHECK(ResultCache::keeps(verdict) == kept);
    ResultCache cache("");
    Evaluation evaluation;
    evaluation.verdict = verdict;
    cache.store("key", evaluation);
    CHECK(cache.find("key").has_value() == kept);
  }
}

TEST_CASE("another process of the run finds the entry; a torn or foreign file is no entry") {
  const std::string folder = "/tmp/crucible-cache-test-" + std::to_string(::getpid());
  Evaluation evaluation;
  evaluation.task = "softmax";
  evaluation.verdict = Verdict::wrong_result;
  ResultCache(folder).store("aa", evaluation);
  const auto found = ResultCache(folder).find("aa");
  REQUIRE(found);
  CHECK(found->evaluation.task == "softmax");
  std::filesystem::copy_file(folder + "/aa.json", folder + "/bb.json");
  CHECK_FALSE(ResultCache(folder).find("bb"));
  std::filesystem::resize_file(folder + "/aa.json", 40);
  CHECK_FALSE(ResultCache(folder).find("aa"));
  std::filesystem::remove_all(folder);
}
