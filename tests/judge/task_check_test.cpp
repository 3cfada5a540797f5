// What `task check` concludes from a task's baselines in the candidate's place, and from their speeds.
#include "env/judge/task_check.h"

#include <doctest/doctest.h>

#include "env/judge/task_check_baselines.h"
#include "tests/judge/judge_fixture.h"

namespace crucible {
namespace {

BaselineTrial trial(int failures, std::vector<std::pair<double, double>> intervals) {
  BaselineTrial made;
  made.baseline = "library";
  made.cases = 9;
  made.seeds = 20;
  made.failures = failures;
  if (failures > 0) made.first_failure = "seed 3: wrong_result: off";
  made.intervals = std::move(intervals);
  return made;
}

TEST_CASE("a baseline that the judge would refuse makes its task unfit") {
  CHECK(check_trials({trial(0, {{0.98, 1.01}})}).empty());
  const std::vector<TaskProblem> problems = check_trials({trial(2, {})});
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].error);
  CHECK(problems[0].key == "baselines.library");
  CHECK(problems[0].what.find("2 of 20 seeds") != std::string::npos);
  CHECK(problems[0].what.find("seed 3: wrong_result") != std::string::npos);
}

TEST_CASE("one interval may miss 1, several may not") {
  const std::vector<TaskProblem> once = check_trials({trial(0, {{1.01, 1.03}, {0.99, 1.02}})});
  REQUIRE(once.size() == 1);
  CHECK_FALSE(once[0].error);
  const std::vector<TaskProblem> often = check_trials({trial(0, {{1.01, 1.03}, {0.9, 0.99}, {0.99, 1.01}})});
  REQUIRE(often.size() == 1);
  CHECK(often[0].error);
}

TEST_CASE("a baseline far below the best is noted, with the task's reason where it gives one") {
  auto task = std::make_shared<Task>();
  task->slow_baselines["explained"] = "it packs its operands in every call";
  const Workload workload{"decode/f32", DType::f32, {}, {}, 1, false, true, 1};
  PreparedTask prepared;
  prepared.task = task;
  TimedWorkload timed;
  timed.workload = &workload;
  timed.baseline_ns = 100;
  timed.all_ns = {{"best", 100}, {"near", 150}, {"explained", 400}, {"unexplained", 200}};
  prepared.timed = {timed};
  const std::vector<TaskProblem> problems = check_speeds(prepared);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].key == "baselines.explained");
  CHECK(problems[0].what == "reaches 25 % of the best one's speed on decode/f32: it packs its operands in every call");
  CHECK(problems[1].what.find("reaches 50 %") == 0);
  CHECK(problems[1].what.find("slow_baselines.unexplained") != std::string::npos);
  CHECK_FALSE(problems[0].error);
  CHECK_FALSE(problems[1].error);
}

/// Every case of a task with two entries and perfect bars.
PreparedTask prepared_with(const std::shared_ptr<const Task>& task) {
  PreparedTask prepared;
  prepared.task = task;
  prepared.pool = std::make_unique<Pool>(task, "secret");
  for (const Case& each : task->cases) prepared.cases.push_back({&test::ready_case(*prepared.pool, each), false});
  return prepared;
}

TEST_CASE("an argument that changes nothing is an error, unless it is a hint") {
  const auto real = test::task("rms_norm");
  CHECK(check_references(prepared_with(real)).empty());
  auto ignoring = std::make_shared<Task>(*real);
  std::erase_if(ignoring->cases, [](const Case& each) { return each.workload->name != "no_rows/f32"; });
  bool refused = false;
  for (const TaskProblem& problem : check_references(prepared_with(ignoring)))
    refused = refused || (problem.error && problem.key == "cases");
  CHECK(refused);  // empty shapes prove nothing
}

}  // namespace
}  // namespace crucible
