// crucible-judge: serves one Evaluator over descriptor 3; its own warden client is descriptor 4. Ends at end-of-file.
#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>

#include "env/backend/cpu/judge.h"
#include "env/backend/cpu/machine.h"
#include "env/base64.h"
#include "env/config_error.h"
#include "env/judge/task_check.h"
#include "env/record.h"
#include "sandbox/warden/channel.h"

namespace crucible {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

/// One Evaluator's judge: reads a question, answers it, reads the next.
class Server {
 public:
  Server(Channel channel, std::shared_ptr<Warden> warden) : channel_(std::move(channel)), warden_(std::move(warden)) {}

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
        if (message.descriptors.empty()) throw std::runtime_error("an evaluation came without an artifact");
        Record record;
        record.evaluation = judge_->judge({task(body), message.descriptors.front().get(),
                                           body.at("seed").get<std::uint64_t>(), body.at("turn").get<std::uint32_t>()},
                                          check_point("judge"));
        channel_.send(message.id, "evaluation", to_json(record));
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
    JudgeSettings settings;
    settings.secret = base64_decode(body.at("secret").get<std::string>()).value();
    settings.machine = claim_machine();
    settings.machine.libexec = body.at("libexec").get<std::string>();
    settings.machine.cache_directory = body.at("cache_directory").get<std::string>();
    settings.budget_seconds = body.at("budget_seconds").get<double>();
    judge_ = std::make_unique<Judge>(warden_, std::move(settings));
  }

  std::shared_ptr<const Task> task(const json& body) {
    const auto file = body.at("task_file").get<std::string>();
    std::shared_ptr<const Task>& known = tasks_[file];
    if (!known) known = load_task(file);
    return known;
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
                           {"between_runner_sd", timed.between_runner_sd},
                           {"all_ns", timed.all_ns}});
    json problems = json::array();
    for (const TaskProblem& problem : check_references(prepared))
      problems.push_back({{"error", problem.error}, {"key", problem.key}, {"what", problem.what}});
    channel_.send(id, "warmed",
                  json{{"workloads", workloads},
                       {"problems", problems},
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
  std::unique_ptr<Judge> judge_;
  std::map<std::string, std::shared_ptr<const Task>> tasks_;
  std::uint64_t current_ = 0;
  std::chrono::steady_clock::time_point reported_{};
};

}  // namespace
}  // namespace crucible

int main() {
  std::signal(SIGPIPE, SIG_IGN);
  // Outputs are collected into buffers of the same sizes again and again: memory kept is memory not faulted in anew.
  ::mallopt(M_MMAP_THRESHOLD, 512 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 512 << 20);
  std::signal(SIGINT, SIG_IGN);  // a terminal's Ctrl-C is the trainer's to handle
  try {
    crucible::Server server(crucible::Channel(crucible::FileDescriptor(3)),
                            crucible::Warden::adopt(crucible::FileDescriptor(4)));
    server.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "crucible-judge: %s\n", error.what());
    return 1;
  }
  return 0;
}
