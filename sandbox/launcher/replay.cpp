#include "sandbox/launcher/replay.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace crucible {
namespace {

constexpr std::uint64_t kPage = 2ull << 20;

/// Attributes of kernel nodes that are set back: access window, cooperative, cluster, scheduling, priority, sync
/// domains.
constexpr std::array<std::uint32_t, 7> kReplayedAttributes = {1, 2, 4, 5, 8, 9, 10};

std::vector<DeviceMemory> map_workspaces(const DeviceContext& context, const LaunchRecord& record) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const Workspace& w : record.workspaces)
    ranges.emplace_back(w.base / kPage * kPage, (w.base + w.bytes.size() + kPage - 1) / kPage * kPage);
  std::sort(ranges.begin(), ranges.end());
  std::vector<DeviceMemory> mapped;
  for (std::size_t i = 0; i < ranges.size();) {
    auto [begin, end] = ranges[i];
    for (++i; i < ranges.size() && ranges[i].first <= end; ++i) end = std::max(end, ranges[i].second);
    if (end - begin > (512ull << 20)) throw RecordError("workspaces that span more than 512 MiB");
    mapped.push_back(DeviceMemory::allocate_at(context, begin, end - begin));
    CRUCIBLE_CUDA(cuMemsetD8, begin, 0xA5, end - begin);
  }
  return mapped;
}

void require_device_memory(CUdeviceptr address, const char* what) {
  CUmemorytype type{};
  const CUresult result = driver().cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address);
  if (result != CUDA_SUCCESS || type != CU_MEMORYTYPE_DEVICE) throw RecordError(what);
}

template <class T>
T from_blob(const std::vector<std::byte>& blob, const char* what) {
  if (blob.size() != sizeof(T)) throw RecordError(what);
  T value;
  std::memcpy(&value, blob.data(), sizeof value);
  return value;
}

int attribute_of(CUfunction function, CUfunction_attribute which) {
  int value = 0;
  CRUCIBLE_CUDA(cuFuncGetAttribute, &value, which, function);
  return value;
}

}  // namespace

std::string ReplayedKernel::resources() const {
  const int threads_per_processor = context_.attribute(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR);
  std::string text;
  for (std::size_t i = 0; i < record_.nodes.size(); ++i) {
    const CUfunction function = functions_[i];
    if (function == nullptr) continue;
    const RecordedNode& node = record_.nodes[i];
    const auto threads = static_cast<int>(node.block[0] * node.block[1] * node.block[2]);
    int blocks = 0;
    CRUCIBLE_CUDA(cuOccupancyMaxActiveBlocksPerMultiprocessor, &blocks, function, threads, node.shared_bytes);
    const int shared =
        attribute_of(function, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES) + static_cast<int>(node.shared_bytes);
    const std::string line = "kernel " + node.function.substr(0, 80) + ": " +
                             std::to_string(attribute_of(function, CU_FUNC_ATTRIBUTE_NUM_REGS)) + " registers, " +
                             std::to_string(attribute_of(function, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES)) +
                             " bytes of local memory (spills), " + std::to_string(shared) +
                             " bytes of shared memory, blocks of " + std::to_string(threads) + " threads, " +
                             std::to_string(100 * blocks * threads / std::max(1, threads_per_processor)) +
                             " % occupancy\n";
    if (text.find(line) == std::string::npos) text += line;
  }
  return text;
}

ReplayedKernel::ReplayedKernel(const DeviceContext& context, std::span<const std::byte> cubin, LaunchRecord record)
    : context_(context),
      workspaces_(map_workspaces(context, record)),
      record_(std::move(record)),
      module_(std::make_shared<DeviceModule>(cubin)) {
  find_functions();
  restore_state();
}

ReplayedKernel::ReplayedKernel(const DeviceContext& context, std::shared_ptr<DeviceModule> module, LaunchRecord record)
    : context_(context), record_(std::move(record)), module_(std::move(module)) {
  find_functions();
}

void ReplayedKernel::find_functions() {
  for (const std::string& name : record_.symbols) symbols_.push_back(module_->global(name));
  for (const RecordedNode& node : record_.nodes) {
    if (node.kind != NodeKind::kernel) {
      functions_.push_back(nullptr);
      continue;
    }
    const CUfunction function = module_->function(node.function);
    functions_.push_back(function);
    for (std::size_t i = 0; i < kFunctionAttributes.size(); ++i) {
      const auto which = static_cast<CUfunction_attribute>(kFunctionAttributes[i]);
      int now = 0;
      CRUCIBLE_CUDA(cuFuncGetAttribute, &now, which, function);
      if (now != node.function_attributes[i])
        CRUCIBLE_CUDA(cuFuncSetAttribute, function, which, node.function_attributes[i]);
    }
  }
}

std::uint64_t ReplayedKernel::resolve(const WordPatch& patch, std::span<const std::uint64_t> tensors) const {
  const auto addend = static_cast<std::uint64_t>(patch.addend);
  const auto tensor = [&](std::int32_t i) {
    if (static_cast<std::size_t>(i) >= tensors.size()) throw RecordError("a patch of an unknown tensor");
    return tensors[static_cast<std::size_t>(i)];
  };
  switch (patch.source) {
    case WordSource::tensor:
      return tensor(patch.a) + addend;
    case WordSource::difference:
      return tensor(patch.a) - tensor(patch.b) + addend;
    case WordSource::shifted:
      return (tensor(patch.a) >> patch.shift) + addend;
    case WordSource::workspace:
      return record_.workspaces[static_cast<std::size_t>(patch.a)].base + addend;
    case WordSource::global:
    case WordSource::code:
      break;
  }
  const CUdeviceptr symbol = symbols_[static_cast<std::size_t>(patch.a)];
  if (symbol == 0) throw RecordError("a patch of a symbol that the module lacks");
  if (patch.source == WordSource::global) return symbol + addend;
  std::uint64_t word = 0;
  CRUCIBLE_CUDA(cuMemcpyDtoH, &word, symbol + addend, sizeof word);
  return word;
}

void ReplayedKernel::restore_state() {
  const auto patch_all = [&](const std::vector<WordPatch>& patches, std::vector<std::byte>& bytes) {
    for (const WordPatch& p : patches) {
      const std::uint64_t word = resolve(p, {});
      std::memcpy(bytes.data() + p.offset, &word, sizeof word);
    }
  };
  for (GlobalState& state : record_.globals) {
    std::size_t size = 0;
    const CUdeviceptr address = module_->global(record_.symbols[state.symbol], &size);
    if (address == 0 || size != state.bytes.size()) throw RecordError("the state of a symbol of another size");
    std::vector<std::byte> now(size);
    CRUCIBLE_CUDA(cuMemcpyDtoH, now.data(), address, size);
    for (std::size_t i = 0; i < size; ++i)
      if (state.mask[i] != std::byte{0}) now[i] = state.bytes[i];
    patch_all(state.patches, now);
    copy_to_device(address, now.data(), size);
  }
  for (Workspace& workspace : record_.workspaces) {
    patch_all(workspace.patches, workspace.bytes);
    copy_to_device(workspace.base, workspace.bytes.data(), workspace.bytes.size());
  }
}

CUgraphNode ReplayedKernel::add_node(CUgraph graph, std::size_t index, std::span<const std::uint64_t> tensors) {
  const RecordedNode& node = record_.nodes[index];
  std::vector<std::byte> blob = node.blob;
  std::vector<NodeAttribute> attributes = node.attributes;
  for (const WordPatch& p : node.patches) {
    const std::uint64_t word = resolve(p, tensors);
    std::byte* to = p.blob == 0 ? blob.data() : attributes[p.blob - 1].value.data();
    std::memcpy(to + p.offset, &word, sizeof word);
  }
  CUgraphNode added = nullptr;
  switch (node.kind) {
    case NodeKind::empty:
      CRUCIBLE_CUDA(cuGraphAddEmptyNode, &added, graph, nullptr, 0);
      break;
    case NodeKind::memset: {
      auto params = from_blob<CUDA_MEMSET_NODE_PARAMS>(blob, "a memset of another size");
      require_device_memory(params.dst, "a memset outside device memory");
      CRUCIBLE_CUDA(cuGraphAddMemsetNode, &added, graph, nullptr, 0, &params, context_.context());
      break;
    }
    case NodeKind::copy: {
      const auto claimed = from_blob<CUDA_MEMCPY3D>(blob, "a copy of another size");
      // Rebuilt from the fields of a device-to-device copy alone: a claim must not reach this process's host memory.
      CUDA_MEMCPY3D params = {};
      params.srcMemoryType = params.dstMemoryType = CU_MEMORYTYPE_DEVICE;
      params.srcDevice = claimed.srcDevice;
      params.dstDevice = claimed.dstDevice;
      params.srcXInBytes = claimed.srcXInBytes;
      params.srcY = claimed.srcY;
      params.srcZ = claimed.srcZ;
      params.srcLOD = claimed.srcLOD;
      params.srcPitch = claimed.srcPitch;
      params.srcHeight = claimed.srcHeight;
      params.dstXInBytes = claimed.dstXInBytes;
      params.dstY = claimed.dstY;
      params.dstZ = claimed.dstZ;
      params.dstLOD = claimed.dstLOD;
      params.dstPitch = claimed.dstPitch;
      params.dstHeight = claimed.dstHeight;
      params.WidthInBytes = claimed.WidthInBytes;
      params.Height = claimed.Height;
      params.Depth = claimed.Depth;
      require_device_memory(params.srcDevice, "a copy from outside device memory");
      require_device_memory(params.dstDevice, "a copy to outside device memory");
      CRUCIBLE_CUDA(cuGraphAddMemcpyNode, &added, graph, nullptr, 0, &params, context_.context());
      break;
    }
    case NodeKind::kernel: {
      std::vector<void*> parameters;
      for (const KernelParameter& p : node.parameters) parameters.push_back(blob.data() + p.offset);
      parameters.push_back(nullptr);
      CUDA_KERNEL_NODE_PARAMS params = {};
      params.func = functions_[index];
      params.gridDimX = node.grid[0];
      params.gridDimY = node.grid[1];
      params.gridDimZ = node.grid[2];
      params.blockDimX = node.block[0];
      params.blockDimY = node.block[1];
      params.blockDimZ = node.block[2];
      params.sharedMemBytes = node.shared_bytes;
      params.kernelParams = parameters.data();
      CRUCIBLE_CUDA(cuGraphAddKernelNode, &added, graph, nullptr, 0, &params);
      for (const NodeAttribute& attribute : attributes) {
        if (std::find(kReplayedAttributes.begin(), kReplayedAttributes.end(), attribute.id) ==
            kReplayedAttributes.end())
          continue;
        CUlaunchAttributeValue value = {};
        static_assert(sizeof value == sizeof attribute.value);
        std::memcpy(&value, attribute.value.data(), sizeof value);
        CRUCIBLE_CUDA(cuGraphKernelNodeSetAttribute, added, static_cast<CUlaunchAttributeID>(attribute.id), &value);
      }
      break;
    }
  }
  return added;
}

std::vector<CUgraphNode> ReplayedKernel::add_call(CUgraph graph, CUgraphNode before,
                                                  std::span<const std::uint64_t> tensors) {
  std::vector<CUgraphNode> nodes;
  for (std::size_t i = 0; i < record_.nodes.size(); ++i) nodes.push_back(add_node(graph, i, tensors));
  std::vector<bool> has_cause(nodes.size(), false), has_effect(nodes.size(), false);
  for (const RecordedEdge& edge : record_.edges) {
    if (edge.to == RecordedEdge::kAfter) continue;
    CUgraphEdgeData data = {};
    data.from_port = edge.from_port;
    data.to_port = edge.to_port;
    data.type = edge.type;
    const auto to = static_cast<std::size_t>(edge.to);
    CUgraphNode from = before;
    if (edge.from >= 0) {
      from = nodes[static_cast<std::size_t>(edge.from)];
      // A programmatic effect alone does not mean that the cause is over: only full edges spare the cause a place among
      // the call's ends.
      if (edge.type == 0) has_effect[static_cast<std::size_t>(edge.from)] = true;
    }
    CRUCIBLE_CUDA(cuGraphAddDependencies, graph, &from, &nodes[to], &data, 1);
    has_cause[to] = true;
  }
  std::vector<CUgraphNode> ends;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    // A claim without this edge would run its node beside the whole chain.
    if (!has_cause[i]) {
      CUgraphEdgeData full = {};
      CRUCIBLE_CUDA(cuGraphAddDependencies, graph, &before, &nodes[i], &full, 1);
    }
    if (!has_effect[i]) ends.push_back(nodes[i]);
  }
  return ends;
}

}  // namespace crucible
