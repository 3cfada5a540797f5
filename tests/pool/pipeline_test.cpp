#include "env/pool/pipeline.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "tests/env/kernels.h"
#include "tests/pool/pool_fixture.h"

using namespace crucible;
using namespace std::chrono_literals;
using crucible::test::evaluator;
using crucible::test::honest;
using crucible::test::rms_norm;

namespace {

/// Collects what a pipeline delivers.
class Inbox {
 public:
  Pipeline::Deliver slot() {
    return [this](std::vector<Answer> answers) {
      std::lock_guard lock(mutex_);
      for (Answer& answer : answers) {
        order_.push_back(answer.ticket);
        ++times_[answer.ticket];
        answers_[answer.ticket] = std::move(answer);
      }
      changed_.notify_all();
    };
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 120s, [&] { return order_.size() >= count; });
  }
  Answer at(std::uint64_t ticket) {
    std::lock_guard lock(mutex_);
    return answers_.at(ticket);
  }
  std::vector<std::uint64_t> order() {
    std::lock_guard lock(mutex_);
    return order_;
  }
  int times(std::uint64_t ticket) {
    std::lock_guard lock(mutex_);
    return times_[ticket];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Answer> answers_;
  std::map<std::uint64_t, int> times_;
  std::vector<std::uint64_t> order_;
};

Question question(std::string source, std::uint64_t seed = 1) {
  static const std::shared_ptr<const Task> task = evaluator()->task("rms_norm");
  Question made;
  made.task = task;
  made.source = std::move(source);
  made.seed = seed;
  return made;
}

const StageSnapshot& stage(const PipelineSnapshot& snapshot, const std::string& name) {
  for (const StageSnapshot& each : snapshot.stages)
    if (each.name == name) return each;
  throw std::out_of_range(name);
}

std::string no_compile(int number) { return "this is no kernel " + std::to_string(number); }

}  // namespace

TEST_CASE("every question is answered once, each with its own verdict, the wrong before the clock") {
  Inbox inbox;
  Pipeline pipeline(evaluator(), {}, inbox.slot());
  const std::map<std::uint64_t, Verdict> expected = {
      {pipeline.submit(question(honest(), 41)), Verdict::correct},
      {pipeline.submit(question(rms_norm("return 3;"), 41)), Verdict::wrong_result},
      {pipeline.submit(question(no_compile(1), 41)), Verdict::compile_error},
      {pipeline.submit(question("", 41)), Verdict::malformed},
      {pipeline.submit(question(rms_norm("std::abort();", "#include <cstdlib>\n"), 41)), Verdict::crashed},
  };
  REQUIRE(inbox.wait_for(expected.size()));
  for (const auto& [ticket, verdict] : expected) {
    const Evaluation facts = inbox.at(ticket).evaluation;
    INFO(facts.explanation);
    CHECK(to_string(facts.verdict) == to_string(verdict));
    CHECK(inbox.times(ticket) == 1);
  }
  const PipelineSnapshot seen = pipeline.snapshot();
  CHECK(seen.answered == expected.size());
  CHECK(stage(seen, "validate").done == 5);
  CHECK(stage(seen, "compile").done == 4);
  CHECK(stage(seen, "check").done == 3);
  CHECK(stage(seen, "time").done == 1);
  CHECK(seen.artifacts == 0);
}

TEST_CASE("what a pipeline finds is what the evaluator finds") {
  Inbox inbox;
  Pipeline pipeline(evaluator(), {}, inbox.slot());
  const std::string source = rms_norm("return norm(out, input, weight, 0);");
  const std::uint64_t ticket = pipeline.submit(question(source, 42));
  REQUIRE(inbox.wait_for(1));
  EvaluateOptions how;
  how.seed = 42;
  how.use_cache = false;
  const Evaluation alone = evaluator()->evaluate(question("").task, source, how);
  const Evaluation pooled = inbox.at(ticket).evaluation;
  CHECK(pooled.verdict == alone.verdict);
  CHECK(pooled.explanation == alone.explanation);
  CHECK(pooled.passed_share() == alone.passed_share());
  CHECK(pooled.source_sha256 == alone.source_sha256);
  CHECK(pooled.novelty.score.has_value() == alone.novelty.score.has_value());
}

TEST_CASE("equal questions in flight are evaluated once; another seed is another question") {
  Inbox inbox;
  Pipeline pipeline(evaluator(), {}, inbox.slot());
  std::vector<std::uint64_t> equal;
  for (int i = 0; i < 8; ++i) equal.push_back(pipeline.submit(question(rms_norm("return 8;"), 43)));
  const std::uint64_t other = pipeline.submit(question(rms_norm("return 8;"), 44));
  REQUIRE(inbox.wait_for(9));
  int fresh = 0;
  for (std::uint64_t ticket : equal) {
    CHECK(inbox.at(ticket).evaluation.verdict == Verdict::wrong_result);
    fresh += !inbox.at(ticket).evaluation.cached;
  }
  CHECK(fresh == 1);
  CHECK_FALSE(inbox.at(other).evaluation.cached);
  CHECK(stage(pipeline.snapshot(), "compile").done == 2);
}

TEST_CASE("withdrawing one of two who asked the same leaves the other his answer") {
  Inbox inbox;
  Pipeline pipeline(evaluator(), {}, inbox.slot());
  const std::uint64_t first = pipeline.submit(question(rms_norm("return 9;"), 45));
  const std::uint64_t second = pipeline.submit(question(rms_norm("return 9;"), 45));
  REQUIRE(pipeline.cancel(first));
  CHECK_FALSE(pipeline.cancel(first));
  REQUIRE(inbox.wait_for(1));
  CHECK(inbox.order() == std::vector<std::uint64_t>{second});
  CHECK(inbox.at(second).evaluation.verdict == Verdict::wrong_result);
  CHECK_FALSE(pipeline.cancel(second));  // answered
}

TEST_CASE("a withdrawn endless kernel lets go of the device, and its key is free again") {
  Inbox inbox;
  Pipeline pipeline(evaluator(), {}, inbox.slot());
  const std::string endless = rms_norm("for (volatile int i = 0;;) i = i + 1;");
  const std::uint64_t ticket = pipeline.submit(question(endless, 46));
  for (int i = 0; i < 6000 && stage(pipeline.snapshot(), "check").running == 0; ++i) std::this_thread::sleep_for(10ms);
  REQUIRE(pipeline.cancel(ticket));
  const std::uint64_t again = pipeline.submit(question(endless, 46));
  REQUIRE(inbox.wait_for(1));
  CHECK(inbox.at(again).evaluation.verdict == Verdict::timed_out);
  CHECK(inbox.times(ticket) == 0);
  CHECK(pipeline.snapshot().artifacts == 0);
}

TEST_CASE("who is late is told so, and is no sample") {
  Inbox inbox;
  Pipeline pipeline(evaluator(), {}, inbox.slot());
  Question late = question(rms_norm("return 10;"), 47);
  late.deadline = std::chrono::steady_clock::now();
  Question early = question("", 47);
  early.deadline = std::chrono::steady_clock::now() + 1h;
  const std::uint64_t missed = pipeline.submit(late);
  const std::uint64_t met = pipeline.submit(early);
  REQUIRE(inbox.wait_for(2));
  CHECK(inbox.at(missed).evaluation.verdict == Verdict::infrastructure_error);
  CHECK(inbox.at(missed).evaluation.explanation.find("deadline") != std::string::npos);
  CHECK(inbox.at(met).evaluation.verdict == Verdict::malformed);
  CHECK(pipeline.snapshot().expired == 1);
}

TEST_CASE("priority decides who is compiled first") {
  Inbox inbox;
  PipelineOptions one;
  one.compilers = 1;
  Pipeline pipeline(evaluator(), one, inbox.slot());
  std::vector<std::uint64_t> low;
  for (int i = 0; i < 6; ++i) low.push_back(pipeline.submit(question(no_compile(100 + i), 48)));
  Question urgent = question(no_compile(200), 48);
  urgent.priority = 10;
  const std::uint64_t high = pipeline.submit(urgent);
  REQUIRE(inbox.wait_for(7));
  const std::vector<std::uint64_t> order = inbox.order();
  const auto place = std::find(order.begin(), order.end(), high) - order.begin();
  CHECK(place <= 2);  // at most those that were under way
}

TEST_CASE("a judge that is killed costs a retry, and nobody else's answer") {
  Inbox inbox;
  Pipeline pipeline(evaluator(), {}, inbox.slot());
  std::vector<std::uint64_t> tickets;
  for (int i = 0; i < 6; ++i)
    tickets.push_back(pipeline.submit(question(rms_norm("return " + std::to_string(20 + i) + ";"), 49)));
  const pid_t judge = crucible::test::judge_process();
  REQUIRE(judge > 0);
  for (int i = 0; i < 6000 && stage(pipeline.snapshot(), "check").running == 0; ++i) std::this_thread::sleep_for(5ms);
  REQUIRE(::kill(judge, SIGKILL) == 0);
  REQUIRE(inbox.wait_for(tickets.size()));
  int lost = 0;
  for (std::uint64_t ticket : tickets) {
    const Verdict verdict = inbox.at(ticket).evaluation.verdict;
    lost += verdict == Verdict::infrastructure_error;
    CHECK((verdict == Verdict::wrong_result || verdict == Verdict::infrastructure_error));
  }
  CHECK(lost <= 1);
}

TEST_CASE("closing in the middle of everything ends at once and delivers nothing more") {
  Inbox inbox;
  Pipeline pipeline(evaluator(), {}, inbox.slot());
  for (int i = 0; i < 20; ++i)
    pipeline.submit(question(rms_norm("for (volatile int i = " + std::to_string(i) + ";;) i = i + 1;"), 50));
  std::this_thread::sleep_for(300ms);
  pipeline.close();
  const std::size_t delivered = inbox.order().size();
  pipeline.close();
  CHECK(inbox.order().size() == delivered);
  CHECK_THROWS_AS(pipeline.submit(question("", 50)), std::logic_error);
  EvaluateOptions how;
  how.seed = 50;
  CHECK(evaluator()->evaluate(question("").task, rms_norm("return 1;"), how).verdict == Verdict::wrong_result);
}
