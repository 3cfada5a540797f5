#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace crucible {

/// What one recorded 8-byte word stands for when the launch is rebuilt elsewhere. Tensors are named by their argument's
/// index in the call.
enum class WordSource : std::uint8_t {
  tensor,      ///< address of tensor `a`, plus addend
  difference,  ///< address of tensor `a` minus that of tensor `b`, plus addend
  shifted,     ///< address of tensor `a` shifted right by `shift`, plus addend
  global,      ///< address of symbol `a`, plus addend
  code,        ///< the 8 bytes that symbol `a` holds at `addend`: a relocated function pointer
  workspace,   ///< workspace `a`, plus addend
};
inline constexpr int kWordSources = 6;

/// One word that is replaced. `blob` 0: the node's parameters; k > 0: its attribute k − 1.
struct WordPatch {
  std::uint32_t blob = 0;
  std::uint32_t offset = 0;
  WordSource source = WordSource::tensor;
  std::uint8_t shift = 0;
  std::int32_t a = 0;
  std::int32_t b = 0;
  std::int64_t addend = 0;
};

/// A launch attribute of a kernel node (CUlaunchAttributeID and its 64-byte value).
struct NodeAttribute {
  std::uint32_t id = 0;
  std::array<std::byte, 64> value{};
};

enum class NodeKind : std::uint8_t { kernel, memset, copy, empty };
inline constexpr int kNodeKinds = 4;

struct KernelParameter {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};

/// Function attributes that host code may set, in the order of kFunctionAttributes.
inline constexpr std::array<int, 4> kFunctionAttributes = {8, 9, 14, 15};  // dynamic shared, carveout, cluster ×2

/// One node of a captured call.
struct RecordedNode {
  NodeKind kind = NodeKind::empty;
  std::string function;  ///< kernel's name in the module
  std::array<std::uint32_t, 3> grid{1, 1, 1};
  std::array<std::uint32_t, 3> block{1, 1, 1};
  std::uint32_t shared_bytes = 0;
  std::array<std::int32_t, 4> function_attributes{};
  std::vector<KernelParameter> parameters;
  std::vector<std::byte> blob;  ///< parameter buffer, or CUDA_MEMSET_NODE_PARAMS, or CUDA_MEMCPY3D
  std::vector<NodeAttribute> attributes;
  std::vector<WordPatch> patches;
};

/// Dependency between nodes; kBefore and kAfter are the border kernels. Port and type are CUgraphEdgeData's.
struct RecordedEdge {
  static constexpr std::int32_t kBefore = -1;
  static constexpr std::int32_t kAfter = -2;
  std::int32_t from = kBefore;
  std::int32_t to = kAfter;
  std::uint8_t from_port = 0;
  std::uint8_t to_port = 0;
  std::uint8_t type = 0;
};

/// Device memory that the candidate allocated before the capture, as its first call left it.
struct Workspace {
  std::uint64_t base = 0;
  std::vector<std::byte> bytes;
  std::vector<WordPatch> patches;
};

/// A module global that differs from a fresh load. mask[i] ≠ 0: bytes[i] is to be written.
struct GlobalState {
  std::uint32_t symbol = 0;  ///< index into LaunchRecord::symbols
  std::vector<std::byte> bytes;
  std::vector<std::byte> mask;
  std::vector<WordPatch> patches;
};

/// What a jailed runner claims that one call of the candidate launches. The claim is hostile and harmless: it is
/// exactly what gets executed, and what is verified.
struct LaunchRecord {
  std::vector<RecordedNode> nodes;
  std::vector<RecordedEdge> edges;
  std::vector<std::string> symbols;
  std::vector<Workspace> workspaces;
  std::vector<GlobalState> globals;
  std::uint32_t unexplained = 0;  ///< words that differ between sets without explanation; they stay constant
  std::string not_replayable;     ///< why, when this call cannot be rebuilt elsewhere; empty when it can
};

/// A byte string that is no LaunchRecord, or one beyond its bounds.
struct RecordError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::vector<std::byte> encode(const LaunchRecord& record);

/// Checks every length, index and offset; throws RecordError. At most 1024 nodes, 8192 edges, 64 workspaces of 256 MiB
/// in all, 4096 symbols.
LaunchRecord decode_launch_record(std::span<const std::byte> bytes);

}  // namespace crucible
