#include "env/judge/judge_server.h"

#include <csignal>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>

#include "env/base64.h"
#include "env/config_error.h"
#include "env/judge/runner_end.h"
#include "env/judge/task_check.h"
#include "env/record.h"
#include "sandbox/warden/channel.h"

namespace crucible {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr int kAttemptsOfStruck = 3;

/// Reads a question, answers it, reads the next.
class Server {
 public:
  Server(Channel channel, std::shared_ptr<Warden> warden, const MakeJudge& make)
      : channel_(std::move(channel)), warden_(std::move(warden)), make_(make) {}

  void run() {
    while (channel_.open()) {
      std::optional<Message> message = channel_.receive(1h);
      if (message) answer(*message);
    }
  }

 private:
  void answer(Message& message) {
    current_ = message.id;
    try {
      const json body = message.body.empty() ? json::object() : json::parse(message.body);
      if (message.type == "settings") {
        configure(body);
        channel_.send(message.id, "ready", "{}");
      } else if (message.type == "evaluate") {
        evaluate(message, body);
      } else if (message.type == "warm") {
        warm(message.id, body);
      } else if (message.type != "cancel") {
        throw std::runtime_error("unknown message '" + message.type + "'");
      }
    } catch (const Cancelled&) {
      channel_.send(message.id, "cancelled", "{}");
    } catch (const ConfigError& error) {
      channel_.send(message.id, "config_error", json{{"what", error.what()}}.dump());
    } catch (const std::exception& error) {
      channel_.send(message.id, "failed", json{{"what", error.what()}}.dump());
    }
  }

  void configure(const json& body) {
    JudgeStart start;
    start.secret = base64_decode(body.at("secret").get<std::string>()).value();
    start.libexec = body.at("libexec").get<std::string>();
    start.cache_directory = body.at("cache_directory").get<std::string>();
    start.device = body.at("device").get<std::string>();
    start.budget_seconds = body.at("budget_seconds").get<double>();
    backend_ = start.device.substr(0, start.device.find(':'));
    judge_ = make_(warden_, start);
  }

  std::shared_ptr<const Task> task(const json& body) {
    const auto file = body.at("task_file").get<std::string>();
    std::shared_ptr<const Task>& known = tasks_[file];
    if (!known) known = load_task(file, backend_);
    return known;
  }

  void evaluate(const Message& message, const json& body) {
    if (message.descriptors.empty()) throw std::runtime_error("an evaluation came without an artifact");
    JudgeRequest request;
    request.task = task(body);
    for (const FileDescriptor& artifact : message.descriptors) request.artifacts.push_back(artifact.get());
    request.seed = body.at("seed").get<std::uint64_t>();
    request.turn = body.at("turn").get<std::uint32_t>();
    if (body.value("part", "") == "check") request.part = JudgePart::check;
    if (body.contains("checked")) {
      request.part = JudgePart::time;
      request.checked = record_from_json(body.at("checked").get<std::string>()).evaluation;
    }
    Record record;
    record.evaluation = judged(request);
    channel_.send(message.id, "evaluation", to_json(record));
    try {
      judge_->tidy();
    } catch (const std::exception&) {
      // The question is answered. What keeps failing shows in the next one.
    }
  }

  /// A runner that something outside killed is no verdict: all is done again. Every time, it is the kernel's own doing.
  Evaluation judged(const JudgeRequest& request) {
    for (int attempt = 1;; ++attempt) {
      try {
        return judge_->judge(request, check_point("judge"));
      } catch (const RunnerStruck& struck) {
        if (attempt < kAttemptsOfStruck) continue;
        Evaluation evaluation;
        evaluation.task = request.task->name;
        evaluation.seed = request.seed;
        evaluation.verdict = Verdict::crashed;
        evaluation.explanation = std::string(struck.what()) + " in every attempt";
        return evaluation;
      }
    }
  }

  void warm(std::uint64_t id, const json& body) {
    const PreparedTask& prepared = judge_->prepare(task(body), check_point("warm"));
    json workloads = json::array();
    for (const TimedWorkload& timed : prepared.timed)
      workloads.push_back({{"name", timed.workload->name},
                           {"mode", std::string(to_string(timed.mode))},
                           {"baseline", timed.baseline.name},
                           {"baseline_ns", timed.baseline_ns},
                           {"null_ns", timed.null_ns},
                           {"roof_ns", timed.roof_ns ? json(*timed.roof_ns) : json(nullptr)},
                           {"between_runner_sd", timed.between_runner_sd},
                           {"all_ns", timed.all_ns}});
    std::vector<TaskProblem> found = check_references(prepared);
    json trials = json::array();
    if (body.contains("seeds")) {
      const TrialSettings settings{body.at("seeds").get<int>(), body.at("timed_seeds").get<int>()};
      const std::vector<BaselineTrial> tried = judge_->try_baselines(task(body), settings, check_point("warm"));
      for (const auto& more : {check_trials(tried), check_speeds(prepared)})
        found.insert(found.end(), more.begin(), more.end());
      for (const BaselineTrial& trial : tried)
        trials.push_back({{"baseline", trial.baseline},
                          {"cases", trial.cases},
                          {"seeds", trial.seeds},
                          {"failures", trial.failures},
                          {"intervals", trial.intervals},
                          {"untimed", trial.untimed}});
    }
    json problems = json::array();
    for (const TaskProblem& problem : found)
      problems.push_back({{"error", problem.error}, {"key", problem.key}, {"what", problem.what}});
    channel_.send(id, "warmed",
                  json{{"workloads", workloads},
                       {"problems", problems},
                       {"baselines", trials},
                       {"ill_conditioned", prepared.ill_conditioned},
                       {"cases", prepared.cases.size()},
                       {"removed", prepared.removed},
                       {"notes", prepared.notes}}
                      .dump());
  }

  /// Reports progress, and notices a cancellation that came in meanwhile.
  CheckPoint check_point(const char* stage) {
    return [this, stage](double share) {
      const auto now = std::chrono::steady_clock::now();
      if (now - reported_ > 50ms) {
        reported_ = now;
        channel_.send(current_, "progress", json{{"stage", stage}, {"share", share}}.dump());
      }
      while (std::optional<Message> message = channel_.receive(0ms))
        if (message->type == "cancel" && message->id == current_) throw Cancelled("the evaluation was cancelled");
      if (!channel_.open()) throw Cancelled("the evaluator is gone");
    };
  }

  Channel channel_;
  std::shared_ptr<Warden> warden_;
  const MakeJudge& make_;
  std::unique_ptr<BackendJudge> judge_;
  std::string backend_;
  std::map<std::string, std::shared_ptr<const Task>> tasks_;
  std::uint64_t current_ = 0;
  std::chrono::steady_clock::time_point reported_{};
};

}  // namespace

int serve_judge(const char* name, const MakeJudge& make) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, SIG_IGN);  // a terminal's Ctrl-C is the trainer's to handle
  try {
    Server server(Channel(FileDescriptor(3)), Warden::adopt(FileDescriptor(4)), make);
    server.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return 1;
  }
  return 0;
}

}  // namespace crucible
