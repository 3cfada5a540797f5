#include "env/backend/cuda/runner_side.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "sandbox/launcher/wire.h"
#include "sandbox/sealed_memory.h"

namespace crucible {
namespace {
constexpr std::size_t kMaxArtifact = 64u << 20;
constexpr std::size_t kExchangeBytes = 600ull << 20;  // sparse: a claim may carry 256 MiB of workspace
}  // namespace

RunnerSide::RunnerSide(JudgeDevice& device, std::size_t arena_bytes, std::size_t calls, const Start& start)
    : device_(device), arena_(DeviceMemory::allocate(device.context(), arena_bytes, true)) {
  CRUCIBLE_CUDA(cuMemsetD8, arena_.address(), 0, arena_.size());
  WorkerControl control = WorkerControl::create(calls, kExchangeBytes);
  control.exchange().device = device.ordinal();
  control.exchange().area_bytes[0] = arena_.size();
  const FileDescriptor arena = arena_.descriptor();
  artifact_ = FileDescriptor(::memfd_create("artifact", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!artifact_) throw std::system_error(errno, std::generic_category(), "memfd_create");
  auto process = start(control, arena.get(), artifact_.get());
  worker_ = std::make_unique<CudaWorker>(std::move(process), std::move(control));
}

WorkerOutcome RunnerSide::load(int artifact, const std::string& entry, std::chrono::milliseconds deadline) {
  const std::string bytes = read_all(artifact, kMaxArtifact);
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t written = ::write(artifact_.get(), bytes.data() + at, bytes.size() - at);
    if (written < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "writing an artifact");
    if (written > 0) at += static_cast<std::size_t>(written);
  }
  if (::fcntl(artifact_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    throw std::system_error(errno, std::generic_category(), "sealing an artifact");
  return worker_->ask(CudaOperation::load_artifact, std::as_bytes(std::span(entry.data(), entry.size())), 0, deadline);
}

void RunnerSide::write(std::size_t offset, std::span<const std::byte> bytes) {
  if (!bytes.empty()) copy_to_device(arena_.address() + offset, bytes.data(), bytes.size());
}

void RunnerSide::read(std::size_t offset, std::span<std::byte> bytes) {
  if (!bytes.empty()) CRUCIBLE_CUDA(cuMemcpyDtoH, bytes.data(), arena_.address() + offset, bytes.size());
}

WorkerOutcome RunnerSide::perform(std::uint32_t call, std::chrono::milliseconds deadline) {
  return worker_->perform(CudaOperation::call, call, deadline);
}

LaunchRecord RunnerSide::record(std::span<const std::byte> cubin, std::array<std::uint32_t, 3> sets,
                                std::chrono::milliseconds deadline, WorkerOutcome& outcome) {
  LaunchRecord claim;
  if (!has_cubin_) {
    outcome = worker_->ask(CudaOperation::load_cubin, cubin, 0, deadline);
    if (!outcome.ok()) return claim;
    has_cubin_ = true;
  }
  outcome = worker_->ask(CudaOperation::record, std::as_bytes(std::span(sets)), 0, deadline);
  if (!outcome.ok()) return claim;
  try {
    claim = decode_launch_record(worker_->control().take_reply());
  } catch (const RecordError& error) {
    claim = {};
    claim.not_replayable = std::string("the runner's claim is malformed: ") + error.what();
  }
  return claim;
}

WorkerOutcome RunnerSide::build_graph(std::uint32_t call, std::chrono::milliseconds deadline) {
  return worker_->perform(CudaOperation::build_graph, call, deadline);
}

WorkerOutcome RunnerSide::launch_graph(std::chrono::milliseconds deadline) {
  return worker_->perform(CudaOperation::launch_graph, 0, deadline);
}

WorkerOutcome RunnerSide::call_held(std::uint32_t call, std::uint64_t word, std::chrono::milliseconds deadline) {
  const std::uint32_t zero = 0;
  copy_to_device(arena_.address() + word, &zero, sizeof zero);
  WireWriter request;
  request.value(word);
  worker_->start(CudaOperation::call_held, request.take(), call);
  return worker_->finish(deadline);
}

void RunnerSide::release(std::uint64_t word) {
  const std::uint32_t one = 1;
  copy_to_device(arena_.address() + word, &one, sizeof one);
}

CudaWorker::Timed RunnerSide::batch(std::span<const std::uint32_t> calls, std::chrono::milliseconds deadline) {
  WireWriter request;
  request.values(calls);
  worker_->control().put_request(request.take());
  return worker_->timed(CudaOperation::batch, 0, deadline);
}

}  // namespace crucible
