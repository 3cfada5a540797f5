// crucible-launcher: replays recorded launches as a dealt chain. Loads the cubin that we compiled, never a candidate's
// host code; for baselines, their library as a trusted plug-in. Arguments: descriptors of the control memory and of the
// live, sealed and collected device areas.

#include <dlfcn.h>
#include <sys/prctl.h>
#include <sys/random.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "sandbox/launcher/chain.h"
#include "sandbox/launcher/chain_request.h"
#include "sandbox/launcher/declared_record.h"
#include "sandbox/launcher/invoke.h"
#include "sandbox/launcher/replay.h"
#include "sandbox/launcher/wire.h"
#include "sandbox/launcher/worker_control.h"

namespace crucible {
namespace {

/// A random wish for an address, in a part of the address space that neither the driver nor libc fills by itself.
CUdeviceptr random_address() {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) return 0;
  return 0x100000000000ull + (random % 0x400000ull) * (32ull << 20) % 0x500000000000ull;
}

class Launcher {
 public:
  Launcher(WorkerControl& control, std::span<const int> areas)
      : control_(control), context_(control.exchange().device) {
    for (std::size_t i = 0; i < areas.size() && i < areas_.size(); ++i)
      areas_[i] = DeviceMemory::import(context_, areas[i], control.exchange().area_bytes[i], random_address());
    CRUCIBLE_CUDA(cuMemAlloc, &sink_, 256);
    CRUCIBLE_CUDA(cuEventCreate, &begin_, CU_EVENT_DEFAULT);
    CRUCIBLE_CUDA(cuEventCreate, &end_, CU_EVENT_DEFAULT);
    prime();
  }

  void perform(CudaOperation operation) {
    switch (operation) {
      case CudaOperation::load_candidate:
        load_candidate();
        break;
      case CudaOperation::load_declared:
        load_declared();
        break;
      case CudaOperation::load_module:
        module_ = std::make_shared<DeviceModule>(control_.request());
        break;
      case CudaOperation::call_declared:
        call_declared();
        break;
      case CudaOperation::load_plugin:
        load_plugin();
        break;
      case CudaOperation::warm_plugin:
        warm_plugin();
        break;
      case CudaOperation::build_chain:
        build();
        break;
      case CudaOperation::rekey_chain:
        rekey();
        break;
      case CudaOperation::drop_chain:
        chains_.erase(control_.page().call);
        break;
      case CudaOperation::prime:
        prime();
        break;
      case CudaOperation::run_chain:
        run();
        break;
      case CudaOperation::probe:
        probe();
        break;
      case CudaOperation::elapsed:
        elapsed();
        break;
      default:
        break;
    }
  }

 private:
  void load_candidate() {
    WireReader in(control_.request());
    const std::vector<std::byte> cubin = in.values<std::byte>(256ull << 20);
    const std::vector<std::byte> record = in.values<std::byte>(512ull << 20);
    kernel_ = std::make_unique<ReplayedKernel>(context_, cubin, decode_launch_record(record));
    tell_resources();
  }

  void tell_resources() {
    const std::string resources = kernel_->resources();
    control_.put_reply(std::as_bytes(std::span(resources.data(), resources.size())));
  }

  void load_declared() {
    WireReader in(control_.request());
    const std::vector<std::byte> cubin = in.values<std::byte>(256ull << 20);
    const std::vector<std::byte> declared = in.values<std::byte>(1ull << 20);
    module_ = std::make_shared<DeviceModule>(cubin);
    kernel_ = std::make_unique<ReplayedKernel>(context_, module_, record_of(*module_, decode_declared_call(declared)));
    tell_resources();
  }

  /// One call as a graph of its own, so that what is timed in a chain is built by the same code.
  void call_declared() {
    if (!module_) throw std::runtime_error("no module is loaded");
    ReplayedKernel kernel(context_, module_, record_of(*module_, decode_declared_call(control_.request())));
    const PreparedCall& call = control_.calls()[control_.page().call];
    std::vector<std::uint64_t> tensors(std::min<std::size_t>(call.argument_count, kMaxArguments), 0);
    for (std::size_t a = 0; a < tensors.size(); ++a)
      if (call.arguments[a].kind == ArgumentKind::tensor && call.arguments[a].data != ~std::uint64_t{0})
        tensors[a] = areas_[0].address() + call.arguments[a].data + call.arguments[a].byte_offset;
    CUgraph graph = nullptr;
    CUgraphExec executable = nullptr;
    CRUCIBLE_CUDA(cuGraphCreate, &graph, 0);
    CUDA_KERNEL_NODE_PARAMS border = {};
    border.func = kernels_.before;
    border.gridDimX = border.gridDimY = border.gridDimZ = 1;
    border.blockDimX = 32;
    border.blockDimY = border.blockDimZ = 1;
    CUgraphNode before = nullptr;
    CRUCIBLE_CUDA(cuGraphAddKernelNode, &before, graph, nullptr, 0, &border);
    (void)kernel.add_call(graph, before, tensors);
    CRUCIBLE_CUDA(cuGraphInstantiate, &executable, graph, 0);
    CRUCIBLE_CUDA(cuGraphLaunch, executable, stream_.get());
    stream_.synchronize();
    CRUCIBLE_CUDA(cuGraphExecDestroy, executable);
    CRUCIBLE_CUDA(cuGraphDestroy, graph);
  }

  void load_plugin() {
    WireReader in(control_.request());
    const std::string path = in.text(4096), entry = in.text(256);
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    plugin_ = ::dlsym(library, entry.c_str());
    if (plugin_ == nullptr) throw std::runtime_error(path + " does not define " + entry);
  }

  void warm_plugin() {
    const int returned = invoke(plugin_, control_.calls()[control_.page().call], areas_[0].address(),
                                control_.exchange().device, stream_.get());
    stream_.synchronize();
    if (returned != 0) throw std::runtime_error("the baseline returned " + std::to_string(returned));
  }

  std::vector<CUgraphNode> capture_plugin(CUgraph graph, CUgraphNode before, std::uint32_t call) {
    const CUgraphEdgeData full = {};
    CRUCIBLE_CUDA(cuStreamBeginCaptureToGraph, stream_.get(), graph, &before, &full, 1, CU_STREAM_CAPTURE_MODE_RELAXED);
    const int returned =
        invoke(plugin_, control_.calls()[call], areas_[0].address(), control_.exchange().device, stream_.get());
    CUstreamCaptureStatus status{};
    const CUgraphNode* last = nullptr;
    std::size_t count = 0;
    CRUCIBLE_CUDA(cuStreamGetCaptureInfo, stream_.get(), &status, nullptr, nullptr, &last, nullptr, &count);
    std::vector<CUgraphNode> ends(last, last + count);
    CUgraph same = nullptr;
    CRUCIBLE_CUDA(cuStreamEndCapture, stream_.get(), &same);
    if (returned != 0) throw std::runtime_error("the baseline returned " + std::to_string(returned));
    return ends;
  }

  void build() {
    const ChainRequest request = decode_chain_request(control_.request());
    std::array<CUdeviceptr, 3> bases{areas_[0].address(), areas_[1].address(), areas_[2].address()};
    const AddCall add = [&](CUgraph graph, CUgraphNode before, std::size_t step) -> std::vector<CUgraphNode> {
      switch (request.kernel) {
        case ChainKernel::none:
          return {before};
        case ChainKernel::plugin:
          return capture_plugin(graph, before, request.calls.at(step));
        case ChainKernel::null:
          return {add_null(graph, before)};
        case ChainKernel::candidate:
          break;
      }
      if (!kernel_) throw std::runtime_error("no candidate is loaded");
      std::vector<std::uint64_t> tensors;
      for (std::uint32_t a = 0; a < request.arguments; ++a) {
        const std::uint64_t offset = request.tensors.at(step * request.arguments + a);
        tensors.push_back(offset == ~std::uint64_t{0} ? 0 : bases[0] + offset);
      }
      return kernel_->add_call(graph, before, tensors);
    };
    chains_.erase(request.number);
    chains_[request.number] = std::make_unique<Chain>(kernels_, request, bases, sink_, add);
    chains_[request.number]->upload(stream_.get());
    stream_.synchronize();
  }

  CUgraphNode add_null(CUgraph graph, CUgraphNode before) {
    CUDA_KERNEL_NODE_PARAMS params = {};
    params.func = kernels_.null;
    params.gridDimX = params.gridDimY = params.gridDimZ = 1;
    params.blockDimX = 32;
    params.blockDimY = params.blockDimZ = 1;
    CUgraphNode node = nullptr;
    CRUCIBLE_CUDA(cuGraphAddKernelNode, &node, graph, &before, 1, &params);
    return node;
  }

  Chain& chain() {
    const auto found = chains_.find(control_.page().call);
    if (found == chains_.end()) throw std::runtime_error("no chain of that number");
    return *found->second;
  }

  void rekey() {
    WireReader in(control_.request());
    chain().rekey(in.values<CrucibleDeal>(1 << 16));
    chain().upload(stream_.get());
    stream_.synchronize();
  }

  void prime() {
    launch(kernels_.null, 1, 32, stream_.get());
    stream_.synchronize();
  }

  void run() {
    const Chain& timed = chain();
    CRUCIBLE_CUDA(cuEventRecord, begin_, stream_.get());
    timed.launch(stream_.get());
    CRUCIBLE_CUDA(cuEventRecord, end_, stream_.get());
    stream_.synchronize();
  }

  void probe() {
    CRUCIBLE_CUDA(cuEventRecord, begin_, stream_.get());
    launch(kernels_.probe, 1, 32, stream_.get(), sink_, std::uint32_t{40000});
    CRUCIBLE_CUDA(cuEventRecord, end_, stream_.get());
    stream_.synchronize();
  }

  /// What the events of the last run or probe say: for benchmarks and probes, never for a verdict.
  void elapsed() {
    float milliseconds = 0;
    CRUCIBLE_CUDA(cuEventElapsedTime, &milliseconds, begin_, end_);
    const double nanoseconds = static_cast<double>(milliseconds) * 1e6;
    control_.put_reply(std::as_bytes(std::span(&nanoseconds, 1)));
  }

  WorkerControl& control_;
  DeviceContext context_;
  DealKernels kernels_;
  Stream stream_;
  std::array<DeviceMemory, 3> areas_;
  CUdeviceptr sink_ = 0;
  CUevent begin_ = nullptr;
  CUevent end_ = nullptr;
  void* plugin_ = nullptr;
  std::shared_ptr<DeviceModule> module_;
  std::unique_ptr<ReplayedKernel> kernel_;
  std::map<std::uint32_t, std::unique_ptr<Chain>> chains_;
};

int serve(WorkerControl& control, std::span<const int> areas) {
  std::unique_ptr<Launcher> launcher;
  try {
    launcher = std::make_unique<Launcher>(control, areas);
  } catch (const std::exception& error) {
    control.put_message(error.what());
    control.set_state(RunnerState::load_failed);
    return 1;
  }
  control.set_state(RunnerState::ready);
  for (;;) {
    const CudaOperation operation = control.next();
    if (operation == CudaOperation::leave) {
      control.answer(0);
      return 0;
    }
    try {
      launcher->perform(operation);
      control.answer(0);
    } catch (const std::exception& error) {
      control.put_message(error.what());
      control.answer(1, operation == CudaOperation::call_declared);
    }
  }
}

}  // namespace
}  // namespace crucible

int main(int argc, char** argv) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (argc < 2) {
    std::fprintf(stderr, "usage: crucible-launcher CONTROL [LIVE SEALED COLLECTED]\n");
    return 2;
  }
  std::vector<int> areas;
  for (int i = 2; i < argc; ++i) areas.push_back(std::atoi(argv[i]));
  crucible::WorkerControl control = crucible::WorkerControl::adopt(std::atoi(argv[1]));
  // No destructors: after a device fault they would wait for a device that does not answer.
  ::_Exit(crucible::serve(control, areas));
}
