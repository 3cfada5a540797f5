#include "env/pool/env_pool.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <thread>

#include "env/config_error.h"
#include "env/record.h"
#include "tests/env/kernels.h"
#include "tests/pool/pool_fixture.h"

using namespace crucible;
using namespace std::chrono_literals;
using crucible::test::evaluator;
using crucible::test::rms_norm;
using crucible::test::run_directory;

namespace {

std::unique_ptr<EnvPool> make(std::size_t environments, std::uint32_t max_turns = 1) {
  EnvPoolOptions options;
  options.environments = environments;
  options.max_turns = max_turns;
  return std::make_unique<EnvPool>(evaluator(), std::vector<std::string>{"rms_norm"}, options);
}

PoolAction action(std::size_t env, std::string source) {
  PoolAction made;
  made.env = env;
  made.source = std::move(source);
  return made;
}

bool readable(const EnvPool& pool) {
  pollfd waiting{pool.ready_descriptor(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

std::string wrong(int number) { return rms_norm("return " + std::to_string(number) + ";"); }

}  // namespace

TEST_CASE("each environment gets the answer to what it was sent") {
  const auto pool = make(6);
  for (std::size_t i = 0; i < pool->size(); ++i) CHECK(pool->reset(i, 60).find("rms_norm") != std::string::npos);
  std::vector<PoolAction> actions;
  for (std::size_t i = 0; i < pool->size(); ++i) actions.push_back(action(i, wrong(30 + static_cast<int>(i))));
  const std::vector<std::uint64_t> requests = pool->send(actions);
  CHECK(std::set<std::uint64_t>(requests.begin(), requests.end()).size() == 6);
  std::set<std::size_t> seen;
  while (seen.size() < 6) {
    for (const PoolResult& result : pool->recv(2)) {
      CHECK(seen.insert(result.env).second);
      CHECK(result.request == requests[result.env]);
      CHECK(result.step.observation.find("returned " + std::to_string(30 + result.env)) != std::string::npos);
      CHECK(result.step.terminated);
      CHECK_FALSE(result.reset);
    }
  }
  CHECK_THROWS_AS(pool->recv(1), NothingPending);
}

TEST_CASE("records are on disk before their answers are given out, and summary and status tell of them") {
  const auto pool = make(3);
  for (std::size_t i = 0; i < 3; ++i) pool->reset(i, 61);
  pool->send({action(0, ""), action(1, "no kernel 61"), action(2, wrong(61))});
  std::set<std::string> ids;
  for (std::size_t n = 0; n < 3;)
    for (const PoolResult& result : pool->recv(1)) {
      const ReadRecords read = read_records(run_directory() + "/records.jsonl");
      const auto kept = std::find_if(read.records.begin(), read.records.end(),
                                     [&](const Record& record) { return record.id == result.step.record.id; });
      REQUIRE(kept != read.records.end());
      CHECK(kept->source == result.step.record.source);
      CHECK(reward_agrees(*kept));
      ids.insert(kept->id);
      ++n;
    }
  CHECK(ids.size() == 3);
  pool->close();
  CHECK(std::filesystem::exists(run_directory() + "/configuration.json"));
  CHECK(std::filesystem::exists(run_directory() + "/summary.json"));
  CHECK_FALSE(std::filesystem::is_empty(run_directory() + "/status"));
}

TEST_CASE("what makes no sense is refused, and nothing of it is taken") {
  const auto pool = make(3);
  CHECK_THROWS_AS(pool->recv(1), NothingPending);
  CHECK_THROWS_WITH_AS(pool->send({action(0, "x")}), doctest::Contains("reset() it"), EpisodeOver);
  for (std::size_t i = 0; i < 3; ++i) pool->reset(i, 62);
  CHECK_THROWS_WITH_AS(pool->send({action(0, "x"), action(3, "x")}), doctest::Contains("0 to 2"), std::out_of_range);
  CHECK_THROWS_AS(pool->send({action(1, "x"), action(1, "y")}), std::invalid_argument);
  CHECK(pool->pending().empty());
  pool->send({action(1, wrong(62))});
  CHECK_THROWS_WITH_AS(pool->send({action(0, "x"), action(1, "x")}), doctest::Contains("recv()"), AnswerPending);
  CHECK_THROWS_AS(pool->reset(1), AnswerPending);
  CHECK_THROWS_AS(pool->async_reset({0, 1}), AnswerPending);
  CHECK(pool->pending() == std::vector<std::size_t>{1});
  CHECK(pool->recv(5).size() == 1);  // no more are owed
  CHECK_THROWS_AS(pool->send({action(1, "x")}), EpisodeOver);
  EnvPoolOptions none;
  none.environments = 0;
  CHECK_THROWS_AS(EnvPool(evaluator(), {"rms_norm"}, none), ConfigError);
  CHECK_THROWS_AS(EnvPool(evaluator(), {"rms_nrom"}, {}), ConfigError);
}

TEST_CASE("async_reset gives prompts through recv, once; a second one must wait for them") {
  const auto pool = make(2);
  const auto numbers = pool->async_reset({0, 1}, {{7}, {8}});
  CHECK_THROWS_AS(pool->async_reset({0, 1}), AnswerPending);
  CHECK(readable(*pool));
  CHECK(pool->wait(2, 0s));
  const std::vector<PoolResult> prompts = pool->recv(2);
  REQUIRE(prompts.size() == 2);
  CHECK(prompts[0].reset);
  CHECK(prompts[0].request == numbers[0]);
  CHECK(prompts[1].step.observation.find("rms_norm") != std::string::npos);
  pool->async_reset({0, 1});
  CHECK(pool->recv(2).size() == 2);
}

TEST_CASE("after a wait in vain the descriptor tells when it is worth waiting again") {
  const auto pool = make(2);
  for (std::size_t i = 0; i < 2; ++i) pool->reset(i, 69);
  pool->send({action(0, wrong(69)), action(1, rms_norm("for (volatile int i = 69;;) i = i + 1;"))});
  std::size_t woken = 0;
  while (!pool->wait(2, 0s)) {
    pollfd waiting{pool->ready_descriptor(), POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, 120000) == 1);
    ++woken;
  }
  CHECK(woken <= 3);  // it never spins: two answers, and what came before the first look
  CHECK(pool->recv(2).size() == 2);
}

TEST_CASE("a timeout gives what is there and keeps the rest") {
  const auto pool = make(2);
  for (std::size_t i = 0; i < 2; ++i) pool->reset(i, 63);
  pool->send({action(0, ""), action(1, rms_norm("for (volatile int i = 63;;) i = i + 1;"))});
  std::vector<PoolResult> first;
  while (first.empty()) first = pool->recv(2, 50ms);
  CHECK(first.size() == 1);
  CHECK(first[0].env == 0);
  CHECK(pool->recv(2, 0ms).empty());
  const std::vector<PoolResult> second = pool->recv(2);
  REQUIRE(second.size() == 1);
  CHECK(second[0].env == 1);
  CHECK(second[0].step.record.evaluation.verdict == Verdict::timed_out);
}

TEST_CASE("an answer whose record cannot be kept is not given out, and the pool goes on") {
  const auto pool = make(2);
  for (std::size_t i = 0; i < 2; ++i) pool->reset(i, 70);
  const std::string records = run_directory() + "/records.jsonl", aside = records + ".aside";
  std::filesystem::rename(records, aside);
  std::filesystem::create_directory(records);  // nothing can be appended to it
  pool->send({action(0, "")});
  CHECK_THROWS_WITH_AS(pool->recv(1), doctest::Contains("records.jsonl"), ConfigError);
  std::filesystem::remove(records);
  std::filesystem::rename(aside, records);
  CHECK(pool->pending().empty());
  pool->reset(0, 70);
  pool->send({action(0, ""), action(1, "no kernel 70")});
  CHECK(pool->recv(2).size() == 2);
}

TEST_CASE("a cancelled action uses up no turn and gives no answer") {
  const auto pool = make(2, 5);
  for (std::size_t i = 0; i < 2; ++i) pool->reset(i, 64);
  pool->send({action(0, rms_norm("for (volatile int i = 64;;) i = i + 1;")), action(1, "no kernel 64")});
  CHECK(pool->cancel({0}) == std::vector<std::size_t>{0});
  CHECK(pool->cancel({0}).empty());
  REQUIRE(pool->recv(2).size() == 1);
  pool->send({action(0, "no kernel 65")});
  const std::vector<PoolResult> results = pool->recv(1);
  REQUIRE(results.size() == 1);
  CHECK(results[0].env == 0);
  CHECK(results[0].step.record.turn == 0);
  CHECK_FALSE(results[0].step.terminated);
}

TEST_CASE("a deadline that passes is NaN and ends the episode for a reason that is not the candidate's") {
  const auto pool = make(1, 5);
  pool->reset(0, 66);
  PoolAction late = action(0, wrong(66));
  late.within = 0s;
  pool->send({late});
  const std::vector<PoolResult> results = pool->recv(1);
  REQUIRE(results.size() == 1);
  CHECK(std::isnan(results[0].step.reward));
  CHECK(results[0].step.truncated);
  CHECK_FALSE(results[0].step.terminated);
  CHECK(results[0].step.record.evaluation.source_sha256.size() == 64);
}

TEST_CASE("close() ends a waiting recv") {
  const auto pool = make(1);
  pool->reset(0, 67);
  pool->send({action(0, rms_norm("for (volatile int i = 67;;) i = i + 1;"))});
  std::jthread closer([&] {
    std::this_thread::sleep_for(100ms);
    pool->close();
  });
  CHECK_THROWS_AS(pool->recv(1), std::logic_error);
}

TEST_CASE("a forked child's copy refuses, and its end harms nobody") {
  const auto pool = make(1);
  pool->reset(0, 68);
  pool->send({action(0, wrong(68))});
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 1;
    try {
      EnvPool* copy = pool.get();
      copy->snapshot();
    } catch (const std::logic_error&) {
      code = 0;
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  REQUIRE(pool->recv(1).size() == 1);
}
