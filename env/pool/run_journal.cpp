#include "env/pool/run_journal.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "env/package.h"

namespace crucible {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr unsigned kSummaryEvery = 30;  // status reports

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

/// Whoever reads sees the old text or the new one. What cannot be written is left out: a full disk costs a view.
void replace_file(const std::string& path, const std::string& text) {
  const std::string fresh = path + "." + std::to_string(::getpid()) + ".new";
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << text << '\n';
    out.flush();
    if (!out) {
      ::unlink(fresh.c_str());
      return;
    }
  }
  std::error_code ignored;
  fs::rename(fresh, path, ignored);
}

Json parsed(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  Json json = Json::parse(text.str(), nullptr, false);
  return json.is_object() ? json : Json::object();
}

/// Reports of pools whose process is gone say nothing about now.
void sweep(const std::string& folder) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const long pid = std::atol(entry.path().filename().c_str());
    if (pid > 0 && ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) fs::remove(entry.path(), ignored);
  }
}

Json status_of(const PipelineSnapshot& now) {
  Json stages = Json::array();
  for (const StageSnapshot& stage : now.stages)
    stages.push_back({{"name", stage.name},
                      {"workers", stage.workers},
                      {"running", stage.running},
                      {"waiting", stage.waiting},
                      {"done", stage.done},
                      {"busy_seconds", stage.busy_seconds}});
  Json verdicts = Json::object();
  for (const auto& [verdict, count] : now.verdicts) verdicts[std::string(to_string(verdict))] = count;
  return {{"stages", std::move(stages)},
          {"devices", Json::array({{{"name", now.device}, {"does", now.device_does}, {"share", now.device_share}}})},
          {"submitted", now.submitted},
          {"answered", now.answered},
          {"cancelled", now.cancelled},
          {"expired", now.expired},
          {"cached", now.cached},
          {"shared", now.shared},
          {"retries", now.retries},
          {"verdicts", std::move(verdicts)},
          {"artifacts", now.artifacts},
          {"artifact_limit", now.artifact_limit},
          {"seconds", now.seconds},
          {"answers_per_second", now.answers_per_second}};
}

void count(Json& in, const std::string& key) { in[key] = in.value(key, std::uint64_t{0}) + 1; }

Json& object_at(Json& in, const std::string& key) {
  Json& inner = in[key];
  if (!inner.is_object()) inner = Json::object();
  return inner;
}

/// One record's share of the totals.
void add(Json& summary, const Json& record) {
  const std::string verdict = record.value("verdict", "unknown");
  count(summary, "records");
  count(object_at(summary, "verdicts"), verdict);
  if (record.value("cached", false)) count(summary, "cached");
  Json& task = object_at(object_at(summary, "tasks"), record.value("task", "unknown"));
  count(task, "records");
  if (verdict == "correct") count(task, "correct");
  if (!record.contains("reward") || !record["reward"].is_number()) return;
  const double reward = record["reward"].get<double>();
  count(task, "rewards");
  task["reward_sum"] = task.value("reward_sum", 0.0) + reward;
  if (!task.contains("best_reward") || reward > task["best_reward"].get<double>()) {
    task["best_reward"] = reward;
    task["best_record"] = record.value("id", "");
    const bool timed = record.contains("speedup") && record["speedup"].is_object();
    task["best_speedup"] = timed ? record["speedup"]["estimate"] : Json(nullptr);
  }
}

}  // namespace

std::string update_summary(const std::string& run_directory) {
  const std::string path = run_directory + "/summary.json";
  Json summary = parsed(path);
  std::ifstream in(run_directory + "/records.jsonl", std::ios::binary);
  in.seekg(0, std::ios::end);
  const auto size = in ? static_cast<std::int64_t>(in.tellg()) : 0;
  auto at = summary.value("records_bytes", std::int64_t{0});
  if (at > size) {  // another file than the one that was counted
    summary = Json::object();
    at = 0;
  }
  in.seekg(at);
  for (std::string line; std::getline(in, line) && !in.eof();) {  // a line without its end is still being written
    at += static_cast<std::int64_t>(line.size()) + 1;
    const Json record = Json::parse(line, nullptr, false);
    if (record.is_object()) add(summary, record);
  }
  summary["records_bytes"] = at;
  summary["updated_utc"] = utc_now();
  std::string text = summary.dump(1);
  replace_file(path, text);
  return text;
}

RunJournal::RunJournal(const Evaluator& evaluator, const std::vector<std::string>& tasks, std::size_t environments,
                       std::uint32_t max_turns, const RewardSettings& reward)
    : run_(evaluator.options().run_directory), tasks_(tasks), environments_(environments), began_(utc_now()) {
  static std::atomic<unsigned> pools{0};
  const std::string folder = run_ + "/status";
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  sweep(folder);
  status_file_ = folder + "/" + std::to_string(::getpid()) + "-" + std::to_string(pools++) + ".json";

  const EvaluatorOptions& options = evaluator.options();
  Json numbers = Json::object();
  for (const auto& [name, value] : reward.numbers) numbers[name] = finite(value);
  Json prices = Json::object();
  for (const auto& [verdict, price] : reward.prices) prices[std::string(to_string(verdict))] = finite(price);
  const std::string path = run_ + "/configuration.json";
  Json configuration = parsed(path);
  configuration["sessions"].push_back(
      {{"began_utc", began_},
       {"pid", ::getpid()},
       {"crucible", package_version()},
       {"tasks", tasks},
       {"environments", environments},
       {"max_turns", max_turns},
       {"backend", options.backend},
       {"device", evaluator.device_name()},
       {"isolation_demand", options.isolation_demand},
       {"cache", options.cache},
       {"write_records", options.write_records},
       {"time_budget_seconds", options.time_budget_seconds},
       {"config_directory", options.config_directory},
       {"task_directories", options.task_directories},
       {"reward", {{"model", reward.model}, {"numbers", numbers}, {"prices", prices}}}});
  replace_file(path, configuration.dump(1));
}

void RunJournal::keep(const std::vector<const Record*>& records) { append_records(run_ + "/records.jsonl", records); }

void RunJournal::tell(const PipelineSnapshot& now) {
  std::lock_guard lock(mutex_);
  write_status("open", now);
  if (++told_ % kSummaryEvery == 0) update_summary(run_);
}

void RunJournal::end(const PipelineSnapshot& last) {
  std::lock_guard lock(mutex_);
  write_status("closed", last);
  update_summary(run_);
}

void RunJournal::write_status(const char* state, const PipelineSnapshot& now) const {
  Json status = {{"schema", 1},
                 {"state", state},
                 {"pid", ::getpid()},
                 {"began_utc", began_},
                 {"updated_utc", utc_now()},
                 {"tasks", tasks_},
                 {"environments", environments_}};
  status.update(status_of(now));
  replace_file(status_file_, status.dump());
}

}  // namespace crucible
