// crucible-judge-cuda: serves one Evaluator over descriptor 3; its own warden client is descriptor 4. Ends at
// end-of-file.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <nlohmann/json.hpp>

#include "env/backend/cuda/judge.h"
#include "env/base64.h"
#include "env/config_error.h"
#include "env/record.h"
#include "sandbox/warden/channel.h"

namespace crucible {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

/// "cuda:1" → 1, "cuda" or nothing → 0.
int ordinal_of(const std::string& device) {
  const std::size_t colon = device.find(':');
  return colon == std::string::npos ? 0 : std::stoi(device.substr(colon + 1));
}

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
        CudaJudgeSettings settings;
        settings.secret = base64_decode(body.at("secret").get<std::string>()).value();
        settings.libexec = body.at("libexec").get<std::string>();
        settings.device = ordinal_of(body.at("device").get<std::string>());
        settings.budget_seconds = body.at("budget_seconds").get<double>();
        judge_ = std::make_unique<CudaJudge>(warden_, std::move(settings));
        channel_.send(message.id, "ready", "{}");
      } else if (message.type == "evaluate") {
        if (message.descriptors.size() < 2) throw std::runtime_error("an evaluation came without its two artifacts");
        Record record;
        record.evaluation = judge_->judge({task(body), message.descriptors[0].get(), message.descriptors[1].get(),
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

  std::shared_ptr<const Task> task(const json& body) {
    const auto file = body.at("task_file").get<std::string>();
    std::shared_ptr<const Task>& known = tasks_[file];
    if (!known) known = load_task(file);
    return known;
  }

  void warm(std::uint64_t id, const json& body) {
    const CudaPreparedTask& prepared = judge_->prepare(task(body), check_point("warm"));
    json workloads = json::array();
    for (const auto& lane : prepared.lanes)
      workloads.push_back({{"name", lane->pool_case().workload->name},
                           {"mode", std::string(to_string(TimingMode::chain))},
                           {"baseline", lane->baseline_name()},
                           {"baseline_ns", lane->baseline_ns()},
                           {"null_ns", lane->floor_ns()},
                           {"between_runner_sd", lane->between_launcher_sd()},
                           {"all_ns", lane->all_ns()}});
    channel_.send(id, "warmed",
                  json{{"workloads", workloads},
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
  std::unique_ptr<CudaJudge> judge_;
  std::map<std::string, std::shared_ptr<const Task>> tasks_;
  std::uint64_t current_ = 0;
  std::chrono::steady_clock::time_point reported_{};
};

}  // namespace
}  // namespace crucible

int main() {
  std::signal(SIGPIPE, SIG_IGN);
  ::setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 1);  // "cuda:1" means the same GPU to every process
  std::signal(SIGINT, SIG_IGN);                    // a terminal's Ctrl-C is the trainer's to handle
  try {
    crucible::Server server(crucible::Channel(crucible::FileDescriptor(3)),
                            crucible::Warden::adopt(crucible::FileDescriptor(4)));
    server.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "crucible-judge-cuda: %s\n", error.what());
    return 1;
  }
  return 0;
}
