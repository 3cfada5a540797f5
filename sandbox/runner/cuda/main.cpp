// crucible-runner-cuda: the only CUDA process that runs a candidate's host code, inside a jail. Everything it says is
// hostile. Starts without a candidate and stands by; load_artifact makes it one candidate's, for good. Arguments:
// descriptors of the control memory, the live device area, and the memory that the artifact will be written to.

#include <dlfcn.h>
#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "sandbox/jail/bpf.h"
#include "sandbox/jail/seccomp_profiles.h"
#include "sandbox/launcher/chain.h"
#include "sandbox/launcher/invoke.h"
#include "sandbox/launcher/wire.h"
#include "sandbox/launcher/worker_control.h"
#include "sandbox/runner/cuda/explain.h"

namespace crucible {
namespace {

constexpr std::uint64_t kHeldNanoseconds = 2'000'000'000;

class CudaRunner {
 public:
  CudaRunner(WorkerControl& control, int area, std::string artifact)
      : control_(control), context_(control.exchange().device), artifact_(std::move(artifact)) {
    arena_ = DeviceMemory::import(context_, area, control.exchange().area_bytes[0]);
    launch(kernels_.null, 1, 32, stream_.get());
    stream_.synchronize();
    // The driver is up: from here on only threads may start.
    if (install_seccomp(no_new_programs(), false) != 0) throw std::runtime_error("no seccomp filter");
  }

  int perform(CudaOperation operation) {
    switch (operation) {
      case CudaOperation::call:
        return call_and_wait(control_.page().call);
      case CudaOperation::batch:
        return batch();
      case CudaOperation::load_cubin:
        return load_cubin();
      case CudaOperation::record:
        return record();
      case CudaOperation::build_graph:
        return build_graph();
      case CudaOperation::launch_graph:
        if (graph_ == nullptr) return 1;
        CRUCIBLE_CUDA(cuGraphLaunch, graph_, stream_.get());
        stream_.synchronize();
        return 0;
      case CudaOperation::load_artifact:
        return load_artifact();
      case CudaOperation::call_held:
        return call_held();
      case CudaOperation::settle:
        stream_.synchronize();
        return 0;
      default:
        return 0;
    }
  }

 private:
  int load_artifact() {
    const auto request = control_.request();
    const std::string entry(reinterpret_cast<const char*>(request.data()), request.size());
    void* library = ::dlopen(artifact_.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    entry_ = ::dlsym(library, entry.c_str());
    if (entry_ == nullptr) throw std::runtime_error("the artifact does not define " + entry);
    return 0;
  }

  /// Answers while the stream is still held back: a call that waits for the device does not come back in time, and work
  /// that goes elsewhere shows before it is let go.
  int call_held() {
    WireReader in(control_.request());
    const auto word = in.value<std::uint64_t>();
    launch(kernels_.hold, 1, 1, stream_.get(), arena_.address() + word, kHeldNanoseconds);
    return call(control_.page().call);
  }

  int call(std::uint32_t index) {
    if (entry_ == nullptr) throw std::runtime_error("no artifact is loaded");
    if (index >= control_.calls().size()) throw std::runtime_error("no call of that number");
    return invoke(entry_, control_.calls()[index], arena_.address(), control_.exchange().device, stream_.get());
  }

  int call_and_wait(std::uint32_t index) {
    const int returned = call(index);
    stream_.synchronize();
    return returned;
  }

  int batch() {
    WireReader in(control_.request());
    int returned = 0;
    for (const std::uint32_t index : in.values<std::uint32_t>(1 << 16))
      if (returned == 0) returned = call(index);
    stream_.synchronize();
    return returned;
  }

  int load_cubin() {
    const auto bytes = control_.request();
    cubin_ = read_cubin(bytes);
    pristine_ = std::make_unique<DeviceModule>(bytes);
    return 0;
  }

  int record() {
    WireReader in(control_.request());
    const auto sets = in.value<std::array<std::uint32_t, 3>>();
    if (!pristine_) throw std::runtime_error("record before load_cubin");
    std::array<CapturedCall, 3> captured;
    for (std::size_t k = 0; k < sets.size(); ++k) {
      // One of three in relaxed mode: a candidate that behaves differently there is not one that production can
      // capture.
      const auto mode = k == 1 ? CU_STREAM_CAPTURE_MODE_RELAXED : CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
      captured[k] = capture_call(stream_.get(), kernels_.before, kernels_.after, mode, [&] { return call(sets[k]); });
    }
    std::vector<TensorPlaces> tensors(control_.calls()[sets[0]].argument_count);
    for (std::size_t a = 0; a < tensors.size() && a < kMaxArguments; ++a)
      for (std::size_t k = 0; k < sets.size(); ++k) {
        const CallArgument& argument = control_.calls()[sets[k]].arguments[a];
        if (argument.kind != ArgumentKind::tensor || argument.data == ~std::uint64_t{0}) continue;
        tensors[a].address[k] = arena_.address() + argument.data + argument.byte_offset;
        tensors[a].bytes = extent(argument);
      }
    const LaunchRecord claim = explain(captured, tensors, cubin_, *pristine_, arena_.address(), arena_.size());
    control_.put_reply(encode(claim));
    return 0;
  }

  static std::uint64_t extent(const CallArgument& argument) {
    std::uint64_t elements = 1;
    for (std::size_t k = 0; k < argument.ndim && k < kMaxDimensions; ++k) {
      if (argument.shape[k] == 0) return 0;
      elements += static_cast<std::uint64_t>((argument.shape[k] - 1) * argument.strides[k]);
    }
    return elements * argument.dtype_bits / 8;
  }

  int build_graph() {
    if (graph_ != nullptr) CRUCIBLE_CUDA(cuGraphExecDestroy, std::exchange(graph_, nullptr));
    CUgraph graph = nullptr;
    CRUCIBLE_CUDA(cuStreamBeginCapture, stream_.get(), CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
    const int returned = call(control_.page().call);
    CRUCIBLE_CUDA(cuStreamEndCapture, stream_.get(), &graph);
    CRUCIBLE_CUDA(cuGraphInstantiate, &graph_, graph, 0);
    CRUCIBLE_CUDA(cuGraphDestroy, graph);
    return returned;
  }

  WorkerControl& control_;
  DeviceContext context_;
  std::string artifact_;
  DealKernels kernels_;
  Stream stream_;
  DeviceMemory arena_;
  void* entry_ = nullptr;
  CubinContents cubin_;
  std::unique_ptr<DeviceModule> pristine_;
  CUgraphExec graph_ = nullptr;
};

int serve(WorkerControl& control, int area, const std::string& artifact) {
  std::unique_ptr<CudaRunner> runner;
  try {
    runner = std::make_unique<CudaRunner>(control, area, artifact);
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
      control.answer(runner->perform(operation));
    } catch (const std::exception& error) {
      control.put_message(error.what());
      control.answer(1, true);
    } catch (...) {
      control.put_message("an exception of an unknown type");
      control.answer(1, true);
    }
  }
}

}  // namespace
}  // namespace crucible

int main(int argc, char** argv) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);  // stands already inside a jail
  if (argc != 4) {
    std::fprintf(stderr, "usage: crucible-runner-cuda CONTROL AREA ARTIFACT\n");
    return 2;
  }
  crucible::WorkerControl control = crucible::WorkerControl::adopt(std::atoi(argv[1]));
  const std::string artifact = std::string("/proc/self/fd/") + argv[3];
  ::_Exit(crucible::serve(control, std::atoi(argv[2]), artifact));
}
