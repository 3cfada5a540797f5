#include "env/backend/cuda/runner_side.h"

#include <utility>

#include "sandbox/launcher/wire.h"

namespace crucible {
namespace {
constexpr std::size_t kExchangeBytes = 600ull << 20;  // sparse: a claim may carry 256 MiB of workspace
}  // namespace

RunnerSide::RunnerSide(JudgeDevice& device, std::size_t arena_bytes, std::size_t calls, const Start& start)
    : device_(device), arena_(DeviceMemory::allocate(device.context(), arena_bytes, true)) {
  CRUCIBLE_CUDA(cuMemsetD8, arena_.address(), 0, arena_.size());
  WorkerControl control = WorkerControl::create(calls, kExchangeBytes);
  control.exchange().device = device.ordinal();
  control.exchange().area_bytes[0] = arena_.size();
  const FileDescriptor arena = arena_.descriptor();
  auto process = start(control, arena.get());
  worker_ = std::make_unique<CudaWorker>(std::move(process), std::move(control));
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

CudaWorker::Timed RunnerSide::batch(std::span<const std::uint32_t> calls, std::chrono::milliseconds deadline) {
  WireWriter request;
  request.values(calls);
  worker_->control().put_request(request.take());
  return worker_->timed(CudaOperation::batch, 0, deadline);
}

}  // namespace crucible
