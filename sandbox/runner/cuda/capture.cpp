#include "sandbox/runner/cuda/capture.h"

#include <cstring>
#include <map>

namespace crucible {
namespace {

/// Attribute ids that a kernel node may carry and that replay sets back.
constexpr std::array<std::uint32_t, 7> kReadAttributes = {1, 2, 4, 5, 8, 9, 10};

const char* node_type_name(CUgraphNodeType type) {
  switch (type) {
    case CU_GRAPH_NODE_TYPE_HOST:
      return "a host function";
    case CU_GRAPH_NODE_TYPE_GRAPH:
      return "a child graph";
    case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
      return "a wait for an event";
    case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
      return "an event record";
    case CU_GRAPH_NODE_TYPE_MEM_ALLOC:
      return "an allocation";
    case CU_GRAPH_NODE_TYPE_MEM_FREE:
      return "a release of memory";
    case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP:
      return "a memory operation";
    case CU_GRAPH_NODE_TYPE_CONDITIONAL:
      return "a conditional node";
    default:
      return "a node of an unknown type";
  }
}

class Reader {
 public:
  Reader(CapturedCall& call, CUfunction before, CUfunction after) : call_(call), before_(before), after_(after) {}

  /// The node's index in the record, or a border.
  std::int32_t read(CUgraphNode handle) {
    CUgraphNodeType type{};
    CRUCIBLE_CUDA(cuGraphNodeGetType, handle, &type);
    RecordedNode node;
    CUfunction function = nullptr;
    if (type == CU_GRAPH_NODE_TYPE_KERNEL) {
      CUDA_KERNEL_NODE_PARAMS params = {};
      CRUCIBLE_CUDA(cuGraphKernelNodeGetParams, handle, &params);
      function = params.func;
      if (function == nullptr && params.kern != nullptr) CRUCIBLE_CUDA(cuKernelGetFunction, &function, params.kern);
      if (function == before_) return RecordedEdge::kBefore;
      if (function == after_) return RecordedEdge::kAfter;
      read_kernel(handle, function, params, node);
    } else if (type == CU_GRAPH_NODE_TYPE_MEMSET) {
      CUDA_MEMSET_NODE_PARAMS params;
      std::memset(&params, 0, sizeof params);
      CRUCIBLE_CUDA(cuGraphMemsetNodeGetParams, handle, &params);
      node.kind = NodeKind::memset;
      store(params, node);
    } else if (type == CU_GRAPH_NODE_TYPE_MEMCPY) {
      read_copy(handle, node);
    } else if (type == CU_GRAPH_NODE_TYPE_EMPTY) {
      node.kind = NodeKind::empty;
    } else {
      refuse(std::string("the call contains ") + node_type_name(type));
    }
    call_.nodes.push_back(std::move(node));
    call_.functions.push_back(function);
    return static_cast<std::int32_t>(call_.nodes.size() - 1);
  }

 private:
  template <class T>
  static void store(const T& params, RecordedNode& node) {
    const auto* at = reinterpret_cast<const std::byte*>(&params);
    node.blob.assign(at, at + sizeof params);
  }
  void refuse(std::string why) {
    if (call_.not_replayable.empty()) call_.not_replayable = std::move(why);
  }

  void read_kernel(CUgraphNode handle, CUfunction function, const CUDA_KERNEL_NODE_PARAMS& params, RecordedNode& node) {
    node.kind = NodeKind::kernel;
    const char* name = nullptr;
    CRUCIBLE_CUDA(cuFuncGetName, &name, function);
    node.function = name;
    node.grid = {params.gridDimX, params.gridDimY, params.gridDimZ};
    node.block = {params.blockDimX, params.blockDimY, params.blockDimZ};
    node.shared_bytes = params.sharedMemBytes;
    for (std::size_t i = 0; i < kFunctionAttributes.size(); ++i) {
      int value = 0;
      CRUCIBLE_CUDA(cuFuncGetAttribute, &value, static_cast<CUfunction_attribute>(kFunctionAttributes[i]), function);
      node.function_attributes[i] = value;
    }
    if (call_.module == nullptr) {
      if (driver().cuFuncGetModule(&call_.module, function) != CUDA_SUCCESS) call_.module = nullptr;
      if (params.kern != nullptr && driver().cuKernelGetLibrary(&call_.library, params.kern) != CUDA_SUCCESS)
        call_.library = nullptr;
    }
    std::size_t offset = 0, size = 0;
    for (std::size_t i = 0; driver().cuFuncGetParamInfo(function, i, &offset, &size) == CUDA_SUCCESS; ++i) {
      if (params.kernelParams == nullptr) {
        refuse("kernel " + node.function + " was launched with a parameter buffer that cannot be read back");
        break;
      }
      node.parameters.push_back({static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(size)});
      if (node.blob.size() < offset + size) node.blob.resize(offset + size);
      std::memcpy(node.blob.data() + offset, params.kernelParams[i], size);
    }
    for (const std::uint32_t id : kReadAttributes) {
      CUlaunchAttributeValue value;
      std::memset(&value, 0, sizeof value);
      if (driver().cuGraphKernelNodeGetAttribute(handle, static_cast<CUlaunchAttributeID>(id), &value) != CUDA_SUCCESS)
        continue;
      NodeAttribute attribute{id, {}};
      static_assert(sizeof attribute.value == sizeof value);
      std::memcpy(attribute.value.data(), &value, sizeof value);
      if (attribute.value != NodeAttribute{}.value) node.attributes.push_back(attribute);
    }
  }

  void read_copy(CUgraphNode handle, RecordedNode& node) {
    node.kind = NodeKind::copy;
    CUDA_MEMCPY3D raw;
    std::memset(&raw, 0, sizeof raw);
    if (driver().cuGraphMemcpyNodeGetParams(handle, &raw) != CUDA_SUCCESS)
      return refuse("a copy that cannot be read back");
    // Field by field: the driver leaves the structure's padding as it was.
    CUDA_MEMCPY3D params;
    std::memset(&params, 0, sizeof params);
    params.srcXInBytes = raw.srcXInBytes, params.srcY = raw.srcY, params.srcZ = raw.srcZ, params.srcLOD = raw.srcLOD;
    params.dstXInBytes = raw.dstXInBytes, params.dstY = raw.dstY, params.dstZ = raw.dstZ, params.dstLOD = raw.dstLOD;
    params.srcPitch = raw.srcPitch, params.srcHeight = raw.srcHeight;
    params.dstPitch = raw.dstPitch, params.dstHeight = raw.dstHeight;
    params.WidthInBytes = raw.WidthInBytes, params.Height = raw.Height, params.Depth = raw.Depth;
    params.srcMemoryType = params.dstMemoryType = CU_MEMORYTYPE_DEVICE;
    params.srcDevice = device_side(raw.srcMemoryType, raw.srcDevice, raw.srcHost);
    params.dstDevice = device_side(raw.dstMemoryType, raw.dstDevice, raw.dstHost);
    store(params, node);
  }

  /// A copy of kind "default" reads as unified memory: its pointer is asked what it is.
  CUdeviceptr device_side(CUmemorytype type, CUdeviceptr device, const void* host) {
    const CUdeviceptr at = type == CU_MEMORYTYPE_HOST ? reinterpret_cast<CUdeviceptr>(host) : device;
    CUmemorytype real{};
    if (type == CU_MEMORYTYPE_ARRAY ||
        driver().cuPointerGetAttribute(&real, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, at) != CUDA_SUCCESS ||
        real != CU_MEMORYTYPE_DEVICE)
      refuse("the call copies from or to host memory or an array");
    return at;
  }

  CapturedCall& call_;
  CUfunction before_;
  CUfunction after_;
};

}  // namespace

CapturedCall capture_call(CUstream stream, CUfunction before, CUfunction after, CUstreamCaptureMode mode,
                          const std::function<int()>& call) {
  CapturedCall captured;
  CUgraph graph = nullptr;
  CRUCIBLE_CUDA(cuStreamBeginCapture, stream, mode);
  launch(before, 1, 32, stream);
  const int returned = call();
  // Inside a capture that the candidate broke this launch fails, and so does the end of the capture.
  void* none[] = {nullptr};
  (void)driver().cuLaunchKernel(after, 1, 1, 1, 32, 1, 1, 0, stream, none, nullptr);
  const CUresult ended = driver().cuStreamEndCapture(stream, &graph);
  if (returned != 0) captured.not_replayable = "the call returned " + std::to_string(returned) + " while captured";
  if (ended != CUDA_SUCCESS)
    captured.not_replayable = CudaError(ended, "the call cannot be captured into a graph").what();
  if (graph == nullptr) return captured;
  std::size_t count = 0;
  CRUCIBLE_CUDA(cuGraphGetNodes, graph, nullptr, &count);
  std::vector<CUgraphNode> nodes(count);
  CRUCIBLE_CUDA(cuGraphGetNodes, graph, nodes.data(), &count);
  std::map<CUgraphNode, std::int32_t> index;
  Reader reader(captured, before, after);
  for (CUgraphNode node : nodes) index[node] = reader.read(node);
  std::size_t edges = 0;
  CRUCIBLE_CUDA(cuGraphGetEdges, graph, nullptr, nullptr, nullptr, &edges);
  std::vector<CUgraphNode> from(edges), to(edges);
  std::vector<CUgraphEdgeData> data(edges);
  if (edges != 0) CRUCIBLE_CUDA(cuGraphGetEdges, graph, from.data(), to.data(), data.data(), &edges);
  for (std::size_t i = 0; i < edges; ++i)
    captured.edges.push_back({index[from[i]], index[to[i]], data[i].from_port, data[i].to_port, data[i].type});
  CRUCIBLE_CUDA(cuGraphDestroy, graph);
  return captured;
}

}  // namespace crucible
