#include "sandbox/runner/runner_jail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "sandbox/warden/jail_process.h"

namespace crucible {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;
constexpr std::uint64_t kStack = 8 * kMiB;

std::uint64_t size_of(int fd) {
  struct stat status;
  return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

class JailedRunner : public Runner {
 public:
  explicit JailedRunner(FileDescriptor owner) : jail_(std::move(owner)) { jail_.await_start(); }
  ~JailedRunner() override { jail_.finish(); }

  bool stop() override { return jail_.stop(); }
  void resume() override { jail_.resume(); }
  bool ended() override { return jail_.ended(); }
  Fate finish() override { return jail_.finish().fate; }
  std::vector<JailFinding> findings() override {
    jail_.ended();  // takes what has arrived
    return jail_.findings();
  }
  std::string output() override { return jail_.output(); }

 private:
  JailProcess jail_;
};

}  // namespace

JailSpec runner_spec(const RunnerRequest& request) {
  const bool candidate = request.profile == RunnerProfile::candidate;
  JailSpec spec;
  spec.helper = "crucible-runner";
  spec.arguments = {"crucible-runner", candidate ? "candidate" : "baseline", request.entry_point, request.path};
  for (const auto& [name, value] : request.environment) spec.environment.push_back(name + "=" + value);
  spec.environment.emplace_back("LC_ALL=C");
  spec.descriptor_targets = {kControlDescriptor, kArenaDescriptor};
  if (request.artifact >= 0) spec.descriptor_targets.push_back(kArtifactDescriptor);
  spec.cpus = request.cpus;
  spec.output_bytes = 4096;

  const std::uint64_t workers =
      request.cpus.empty() ? std::max(1u, std::thread::hardware_concurrency()) : request.cpus.size();
  const std::uint64_t shared = size_of(request.arena) + size_of(request.control);
  spec.limits.stack = kStack;
  if (candidate) {
    spec.profile = SeccompProfile::loading;
    spec.notifier = true;
    spec.private_proc = true;
    spec.work_directory_bytes = 80 * kMiB;  // a copy of the artifact where /proc is missing
    spec.limits.data = request.memory_bytes + 64 * kMiB + workers * 3 * kStack;
    // Reserved address space (64 MiB heaps of malloc, a pair a thread) is no memory: the data limit is the wall.
    spec.limits.address_space = shared + 2 * request.memory_bytes + workers * 256 * kMiB + 1024 * kMiB;
    spec.limits.open_files = 64;
    spec.limits.processes = 512 + 4 * workers;
    spec.limits.file_size = 80 * kMiB;
  } else {
    spec.trusted = true;
    spec.profile = SeccompProfile::trusted;
  }
  return spec;
}

std::unique_ptr<Runner> start_runner(const RunnerRequest& request, const StartJail& start_jail) {
  if (request.control < 0 || request.arena < 0) throw std::runtime_error("a runner needs a control page and an arena");
  if (request.artifact < 0 && request.path.empty()) throw std::runtime_error("a runner needs an artifact or a path");
  std::vector<int> passed = {request.control, request.arena};
  if (request.artifact >= 0) passed.push_back(request.artifact);
  return std::make_unique<JailedRunner>(start_jail(runner_spec(request), passed));
}

}  // namespace crucible
