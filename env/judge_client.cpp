#include "env/judge_client.h"

#include <nlohmann/json.hpp>

#include "env/base64.h"
#include "env/config_error.h"
#include "env/record.h"

namespace crucible {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto kPatience = 20ms;      // between looks at the caller's stop token and signals
constexpr auto kCancelPatience = 3s;  // for a judge to confirm that it gave up

}  // namespace

JudgeClient::JudgeClient(Warden& warden, const JudgeConfiguration& configuration)
    : channel_(warden.spawn_trusted(configuration.executable, {})) {
  const json body = {{"secret", base64_encode(configuration.secret)},
                     {"libexec", configuration.libexec},
                     {"cache_directory", configuration.cache_directory},
                     {"device", configuration.device},
                     {"budget_seconds", configuration.budget_seconds}};
  ask("settings", body.dump(), {}, "ready", {}, {});
}

Evaluation JudgeClient::evaluate(const std::string& task_file, const std::vector<int>& artifacts,
                                 const EvaluateOptions& options) {
  const json body = {{"task_file", task_file}, {"seed", options.seed}, {"turn", options.turn}};
  return record_from_json(ask("evaluate", body.dump(), artifacts, "evaluation", options.progress, options.stop))
      .evaluation;
}

Evaluation JudgeClient::check(const std::string& task_file, const std::vector<int>& artifacts,
                              const EvaluateOptions& options) {
  const json body = {{"task_file", task_file}, {"seed", options.seed}, {"turn", options.turn}, {"part", "check"}};
  return record_from_json(ask("evaluate", body.dump(), artifacts, "evaluation", options.progress, options.stop))
      .evaluation;
}

Evaluation JudgeClient::time(const std::string& task_file, const std::vector<int>& artifacts, const Evaluation& checked,
                             const EvaluateOptions& options) {
  Record record;
  record.evaluation = checked;
  const json body = {
      {"task_file", task_file}, {"seed", options.seed}, {"turn", options.turn}, {"checked", to_json(record)}};
  return record_from_json(ask("evaluate", body.dump(), artifacts, "evaluation", options.progress, options.stop))
      .evaluation;
}

std::string JudgeClient::warm(const std::string& task_file, const Progress& progress, std::stop_token stop) {
  return ask("warm", json{{"task_file", task_file}}.dump(), {}, "warmed", progress, stop);
}

std::string JudgeClient::check_task(const std::string& task_file, int seeds, int timed_seeds, const Progress& progress,
                                    std::stop_token stop) {
  const json body = {{"task_file", task_file}, {"seeds", seeds}, {"timed_seeds", timed_seeds}};
  return ask("warm", body.dump(), {}, "warmed", progress, stop);
}

std::string JudgeClient::ask(const std::string& type, const std::string& body, const std::vector<int>& descriptors,
                             const std::string& answer, const Progress& progress, std::stop_token stop) {
  const std::uint64_t id = next_id_++;
  if (!channel_.send(id, type, body, descriptors)) throw JudgeLost("the judge is gone");
  bool cancelled = false;
  std::chrono::steady_clock::time_point give_up{};
  std::string stage = "check";
  double share = 0;
  for (;;) {
    std::optional<Message> message = channel_.receive(kPatience);
    if (!message) {
      if (!channel_.open()) throw JudgeLost("the judge died");
      if (cancelled && std::chrono::steady_clock::now() > give_up) throw JudgeLost("the judge did not give up");
      if (!cancelled && stop.stop_requested()) {
        cancelled = true;
        give_up = std::chrono::steady_clock::now() + kCancelPatience;
        channel_.send(id, "cancel", "{}");
      }
      if (!cancelled && progress) progress(stage, share);
      continue;
    }
    if (message->id != id) continue;  // a late answer to a question that was given up
    if (message->type == "progress") {
      const json told = json::parse(message->body);
      share = told.at("share").get<double>();
      if (told.at("stage") == "warm") {
        stage = "warm";
      } else {
        stage = share < 0.3 ? "check" : "time";
      }
      if (!cancelled && stop.stop_requested()) {
        cancelled = true;
        give_up = std::chrono::steady_clock::now() + kCancelPatience;
        channel_.send(id, "cancel", "{}");
      }
      if (!cancelled && progress) progress(stage, share);
      continue;
    }
    if (message->type == "cancelled" || cancelled) throw Cancelled("the evaluation was cancelled");
    if (message->type == "config_error") throw ConfigError(json::parse(message->body).at("what").get<std::string>());
    if (message->type == "failed") throw std::runtime_error(json::parse(message->body).at("what").get<std::string>());
    if (message->type == answer) return std::move(message->body);
    throw std::runtime_error("the judge answered '" + message->type + "' to '" + type + "'");
  }
}

}  // namespace crucible
