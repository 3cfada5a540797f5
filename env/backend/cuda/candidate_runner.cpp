#include "env/backend/cuda/candidate_runner.h"

#include <stdexcept>

#include "sandbox/runner/cuda/cuda_runner_jail.h"
#include "sandbox/warden/jail_process.h"

namespace crucible {
namespace {

using namespace std::chrono_literals;

constexpr auto kReadyDeadline = 20s;
constexpr auto kLoadDeadline = 5s;

}  // namespace

class CandidateRunner::Process final : public WorkerProcess {
 public:
  explicit Process(FileDescriptor owner) : jail_(std::move(owner)) { jail_.await_start(); }
  ~Process() override { jail_.finish(); }
  bool ended() override { return jail_.ended(); }
  void kill() override { jail_.kill(); }
  std::string finish() override { return to_string(jail_.finish().fate); }
  JailProcess& jail() { return jail_; }

 private:
  JailProcess jail_;
};

CandidateRunner::CandidateRunner(Warden& warden, JudgeDevice& device, std::size_t arena_bytes) {
  side_ = std::make_unique<RunnerSide>(
      device, arena_bytes, kRecordedSets, [&](const WorkerControl& control, int arena, int artifact) {
        const int passed[] = {control.descriptor(), arena, artifact};
        auto process = std::make_unique<Process>(warden.start_jail(cuda_runner_spec({}), passed));
        process_ = process.get();
        return process;
      });
}

WorkerOutcome CandidateRunner::load(int artifact, const std::string& entry_point) {
  const WorkerOutcome ready = side_->wait_ready(kReadyDeadline);
  if (!ready.ok()) throw std::runtime_error("a runner did not come up: " + ready.message);
  return side_->load(artifact, entry_point, kLoadDeadline);
}

const JailReport& CandidateRunner::finish() {
  side_->worker().process().finish();
  return process_->jail().finish();
}

std::string CandidateRunner::output() { return process_->jail().output(); }
const std::vector<JailFinding>& CandidateRunner::findings() { return process_->jail().findings(); }

}  // namespace crucible
