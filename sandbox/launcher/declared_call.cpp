#include "sandbox/launcher/declared_call.h"

#include <algorithm>
#include <cstring>

#include "sandbox/launcher/declared_record.h"
#include "sandbox/launcher/wire.h"

namespace crucible {
namespace {

constexpr std::size_t kMaxLaunches = 64;
constexpr std::size_t kMaxArguments = 64;
constexpr std::size_t kMaxName = 4096;
constexpr std::uint32_t kClusterDimension = 4;  // CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION

void put(RecordedNode& node, const KernelParameter& parameter, const DeclaredArgument& argument) {
  if (parameter.size > 8) throw RecordError("kernel " + node.function + " takes an argument of more than 8 bytes");
  if (argument.kind == DeclaredArgument::Kind::real) {
    const auto narrow = static_cast<float>(argument.real);
    if (parameter.size == 8)
      std::memcpy(node.blob.data() + parameter.offset, &argument.real, 8);
    else if (parameter.size == 4)
      std::memcpy(node.blob.data() + parameter.offset, &narrow, 4);
    else
      throw RecordError("kernel " + node.function + " takes a floating-point argument in neither 4 nor 8 bytes");
    return;
  }
  // x86-64 is little-endian: the low bytes of an integer are the narrower integer.
  std::memcpy(node.blob.data() + parameter.offset, &argument.integer, parameter.size);
}

}  // namespace

std::vector<std::byte> encode(const DeclaredCall& call) {
  WireWriter out;
  out.value(static_cast<std::uint64_t>(call.launches.size()));
  for (const DeclaredLaunch& launch : call.launches) {
    out.text(launch.function);
    out.value(launch.grid);
    out.value(launch.block);
    out.value(launch.cluster);
    out.value(launch.shared_bytes);
    out.values(launch.arguments);
  }
  return out.take();
}

DeclaredCall decode_declared_call(std::span<const std::byte> bytes) {
  WireReader in(bytes);
  DeclaredCall call;
  for (std::size_t i = in.count(kMaxLaunches); i > 0; --i) {
    DeclaredLaunch launch;
    launch.function = in.text(kMaxName);
    launch.grid = in.value<std::array<std::uint32_t, 3>>();
    launch.block = in.value<std::array<std::uint32_t, 3>>();
    launch.cluster = in.value<std::array<std::uint32_t, 3>>();
    launch.shared_bytes = in.value<std::uint32_t>();
    launch.arguments = in.values<DeclaredArgument>(kMaxArguments);
    call.launches.push_back(std::move(launch));
  }
  return call;
}

LaunchRecord record_of(const DeviceModule& module, const DeclaredCall& call) {
  LaunchRecord record;
  for (const DeclaredLaunch& launch : call.launches) {
    const auto empty = [](const std::array<std::uint32_t, 3>& d) { return d[0] == 0 || d[1] == 0 || d[2] == 0; };
    if (empty(launch.grid) || empty(launch.block)) continue;
    const CUfunction function = module.function(launch.function);
    RecordedNode node;
    node.kind = NodeKind::kernel;
    node.function = launch.function;
    node.grid = launch.grid;
    node.block = launch.block;
    node.shared_bytes = launch.shared_bytes;
    for (std::size_t i = 0; i < kFunctionAttributes.size(); ++i) {
      int value = 0;
      CRUCIBLE_CUDA(cuFuncGetAttribute, &value, static_cast<CUfunction_attribute>(kFunctionAttributes[i]), function);
      node.function_attributes[i] = value;
    }
    node.function_attributes[0] = std::max(node.function_attributes[0], static_cast<std::int32_t>(launch.shared_bytes));
    std::size_t offset = 0, size = 0;
    for (std::size_t i = 0; driver().cuFuncGetParamInfo(function, i, &offset, &size) == CUDA_SUCCESS; ++i) {
      node.parameters.push_back({static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(size)});
      if (node.blob.size() < offset + size) node.blob.resize(offset + size);
    }
    if (node.parameters.size() != launch.arguments.size())
      throw RecordError("kernel " + node.function + " takes " + std::to_string(node.parameters.size()) +
                        " arguments, its launch declares " + std::to_string(launch.arguments.size()));
    for (std::size_t i = 0; i < launch.arguments.size(); ++i) {
      const DeclaredArgument& argument = launch.arguments[i];
      if (argument.kind != DeclaredArgument::Kind::tensor) {
        put(node, node.parameters[i], argument);
        continue;
      }
      if (node.parameters[i].size != 8)
        throw RecordError("kernel " + node.function + " does not take a pointer where a tensor is given");
      node.patches.push_back(
          {0, node.parameters[i].offset, WordSource::tensor, 0, static_cast<std::int32_t>(argument.integer), 0, 0});
    }
    if (launch.cluster[0] != 0) {
      NodeAttribute cluster{kClusterDimension, {}};
      std::memcpy(cluster.value.data(), launch.cluster.data(), sizeof launch.cluster);
      node.attributes.push_back(cluster);
    }
    const auto index = static_cast<std::int32_t>(record.nodes.size());
    record.edges.push_back({index == 0 ? RecordedEdge::kBefore : index - 1, index});
    record.nodes.push_back(std::move(node));
  }
  if (!record.nodes.empty())
    record.edges.push_back({static_cast<std::int32_t>(record.nodes.size() - 1), RecordedEdge::kAfter});
  return record;
}

}  // namespace crucible
