#include "sandbox/launcher/launch_record.h"

#include "sandbox/launcher/wire.h"

namespace crucible {
namespace {

constexpr std::size_t kMaxNodes = 1024;
constexpr std::size_t kMaxEdges = 8192;
constexpr std::size_t kMaxSymbols = 4096;
constexpr std::size_t kMaxWorkspaces = 64;
constexpr std::size_t kMaxWorkspaceBytes = 256ull << 20;
constexpr std::size_t kMaxParameterBytes = 32764;  // the driver's own limit
constexpr std::size_t kMaxParameters = 4096;
constexpr std::size_t kMaxAttributes = 32;
constexpr std::size_t kMaxPatches = 1 << 20;
constexpr std::size_t kMaxName = 4096;

template <class T, class One>
void write_all(WireWriter& out, const std::vector<T>& items, One one) {
  out.value(static_cast<std::uint64_t>(items.size()));
  for (const T& item : items) one(item);
}

void require(bool holds, const char* what) {
  if (!holds) throw RecordError(what);
}

/// Patches must lie inside what they patch and name things that exist. Tensors are checked by who knows the call.
void check_patches(const std::vector<WordPatch>& patches, const std::vector<std::size_t>& blob_bytes,
                   const LaunchRecord& record) {
  for (const WordPatch& p : patches) {
    require(static_cast<int>(p.source) < kWordSources, "a patch of an unknown kind");
    require(p.blob < blob_bytes.size(), "a patch of a blob that is not there");
    require(blob_bytes[p.blob] >= 8 && p.offset <= blob_bytes[p.blob] - 8, "a patch outside its blob");
    require(p.shift < 64, "a patch that shifts by 64 bits or more");
    require(p.a >= 0 && p.b >= 0, "a patch with a negative index");
    if (p.source == WordSource::global || p.source == WordSource::code)
      require(static_cast<std::size_t>(p.a) < record.symbols.size(), "a patch of an unknown symbol");
    if (p.source == WordSource::workspace)
      require(static_cast<std::size_t>(p.a) < record.workspaces.size(), "a patch of an unknown workspace");
  }
}

void check_record(const LaunchRecord& record) {
  std::size_t workspace_bytes = 0;
  for (const Workspace& w : record.workspaces) {
    workspace_bytes += w.bytes.size();
    require(workspace_bytes <= kMaxWorkspaceBytes, "workspaces of more than 256 MiB");
    check_patches(w.patches, {w.bytes.size()}, record);
  }
  for (const GlobalState& g : record.globals) {
    require(g.symbol < record.symbols.size(), "the state of an unknown symbol");
    require(g.mask.size() == g.bytes.size(), "a mask of another length than its bytes");
    check_patches(g.patches, {g.bytes.size()}, record);
  }
  const auto nodes = static_cast<std::int32_t>(record.nodes.size());
  for (const RecordedNode& n : record.nodes) {
    require(static_cast<int>(n.kind) < kNodeKinds, "a node of an unknown kind");
    for (const KernelParameter& p : n.parameters)
      require(p.size <= n.blob.size() && p.offset <= n.blob.size() - p.size, "a parameter outside its buffer");
    std::vector<std::size_t> blobs{n.blob.size()};
    blobs.resize(1 + n.attributes.size(), sizeof(NodeAttribute::value));
    check_patches(n.patches, blobs, record);
  }
  for (const RecordedEdge& e : record.edges) {
    require(e.from == RecordedEdge::kBefore || (e.from >= 0 && e.from < nodes), "an edge from nowhere");
    require(e.to == RecordedEdge::kAfter || (e.to >= 0 && e.to < nodes), "an edge to nowhere");
  }
}

}  // namespace

std::vector<std::byte> encode(const LaunchRecord& record) {
  WireWriter out;
  write_all(out, record.symbols, [&](const std::string& s) { out.text(s); });
  write_all(out, record.nodes, [&](const RecordedNode& n) {
    out.value(n.kind);
    out.text(n.function);
    out.value(n.grid);
    out.value(n.block);
    out.value(n.shared_bytes);
    out.value(n.function_attributes);
    out.values(n.parameters);
    out.values(n.blob);
    out.values(n.attributes);
    out.values(n.patches);
  });
  out.values(record.edges);
  write_all(out, record.workspaces, [&](const Workspace& w) {
    out.value(w.base);
    out.values(w.bytes);
    out.values(w.patches);
  });
  write_all(out, record.globals, [&](const GlobalState& g) {
    out.value(g.symbol);
    out.values(g.bytes);
    out.values(g.mask);
    out.values(g.patches);
  });
  out.value(record.unexplained);
  out.text(record.not_replayable);
  return out.take();
}

LaunchRecord decode_launch_record(std::span<const std::byte> bytes) {
  LaunchRecord record;
  try {
    WireReader in(bytes);
    for (std::size_t i = in.count(kMaxSymbols); i > 0; --i) record.symbols.push_back(in.text(kMaxName));
    for (std::size_t i = in.count(kMaxNodes); i > 0; --i) {
      RecordedNode n;
      n.kind = in.value<NodeKind>();
      n.function = in.text(kMaxName);
      n.grid = in.value<std::array<std::uint32_t, 3>>();
      n.block = in.value<std::array<std::uint32_t, 3>>();
      n.shared_bytes = in.value<std::uint32_t>();
      n.function_attributes = in.value<std::array<std::int32_t, 4>>();
      n.parameters = in.values<KernelParameter>(kMaxParameters);
      n.blob = in.values<std::byte>(kMaxParameterBytes);
      n.attributes = in.values<NodeAttribute>(kMaxAttributes);
      n.patches = in.values<WordPatch>(kMaxPatches);
      record.nodes.push_back(std::move(n));
    }
    record.edges = in.values<RecordedEdge>(kMaxEdges);
    for (std::size_t i = in.count(kMaxWorkspaces); i > 0; --i) {
      Workspace w;
      w.base = in.value<std::uint64_t>();
      w.bytes = in.values<std::byte>(kMaxWorkspaceBytes);
      w.patches = in.values<WordPatch>(kMaxPatches);
      record.workspaces.push_back(std::move(w));
    }
    for (std::size_t i = in.count(kMaxSymbols); i > 0; --i) {
      GlobalState g;
      g.symbol = in.value<std::uint32_t>();
      g.bytes = in.values<std::byte>(kMaxWorkspaceBytes);
      g.mask = in.values<std::byte>(kMaxWorkspaceBytes);
      g.patches = in.values<WordPatch>(kMaxPatches);
      record.globals.push_back(std::move(g));
    }
    record.unexplained = in.value<std::uint32_t>();
    record.not_replayable = in.text(kMaxName);
    if (!in.at_end()) throw WireError("bytes follow the record");
  } catch (const WireError& error) {
    throw RecordError(error.what());
  }
  check_record(record);
  return record;
}

}  // namespace crucible
