#include "sandbox/runner/cuda/explain.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace crucible {
namespace {

constexpr std::size_t kMaxWorkspaces = 64;
constexpr std::uint64_t kMaxWorkspaceBytes = 256ull << 20;
constexpr int kMaxShift = 8;

std::uint64_t word_at(const std::byte* at, std::size_t bytes = 8) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, bytes);
  return word;
}

/// A module global as it is now in the candidate's module, in a pristine load, and in the file.
struct LiveGlobal {
  std::uint32_t symbol = 0;
  std::uint64_t address = 0;
  std::uint64_t pristine_address = 0;
  std::vector<std::byte> now, pristine, file;
};

class Explainer {
 public:
  Explainer(const std::array<CapturedCall, 3>& calls, const std::vector<TensorPlaces>& tensors, std::uint64_t arena,
            std::uint64_t arena_bytes)
      : calls_(calls), tensors_(tensors), arena_(arena), arena_bytes_(arena_bytes) {}

  LaunchRecord run(const CubinContents& cubin, const DeviceModule& pristine) {
    for (const CapturedCall& call : calls_)
      if (record_.not_replayable.empty()) record_.not_replayable = call.not_replayable;
    if (record_.not_replayable.empty()) require_same_structure();
    if (!record_.not_replayable.empty()) return std::move(record_);
    record_.nodes = calls_[0].nodes;
    record_.edges = calls_[0].edges;
    read_globals(cubin, pristine);
    for (std::size_t n = 0; n < record_.nodes.size(); ++n) explain_node(n);
    save_globals();
    save_workspaces();
    return std::move(record_);
  }

 private:
  void refuse(std::string why) {
    if (record_.not_replayable.empty()) record_.not_replayable = std::move(why);
  }

  void require_same_structure() {
    const CapturedCall& a = calls_[0];
    for (std::size_t k = 1; k < calls_.size(); ++k) {
      const CapturedCall& b = calls_[k];
      if (a.nodes.size() != b.nodes.size() || a.edges.size() != b.edges.size())
        return refuse("the call launches a different graph for other addresses");
      for (std::size_t i = 0; i < a.nodes.size(); ++i) {
        const RecordedNode &x = a.nodes[i], &y = b.nodes[i];
        if (x.kind != y.kind || x.function != y.function || x.grid != y.grid || x.block != y.block ||
            x.shared_bytes != y.shared_bytes || x.blob.size() != y.blob.size() ||
            x.attributes.size() != y.attributes.size() || x.function_attributes != y.function_attributes)
          return refuse("a launch of " + x.function + " differs for other addresses");
      }
      for (std::size_t i = 0; i < a.edges.size(); ++i)
        if (a.edges[i].from != b.edges[i].from || a.edges[i].to != b.edges[i].to || a.edges[i].type != b.edges[i].type)
          return refuse("the call's dependencies differ for other addresses");
    }
  }

  void read_globals(const CubinContents& cubin, const DeviceModule& pristine) {
    const CapturedCall& call = calls_[0];
    for (const CubinGlobal& global : cubin.globals) {
      LiveGlobal live;
      std::size_t size = 0;
      live.pristine_address = pristine.global(global.name, &size);
      if (live.pristine_address == 0 || size != global.initial.size() || size == 0) continue;
      CUdeviceptr address = 0;
      bool found = call.module != nullptr &&
                   driver().cuModuleGetGlobal(&address, &size, call.module, global.name.c_str()) == CUDA_SUCCESS;
      if (!found && call.library != nullptr)
        found = driver().cuLibraryGetGlobal(&address, &size, call.library, global.name.c_str()) == CUDA_SUCCESS;
      if (!found || size != global.initial.size()) continue;
      live.symbol = static_cast<std::uint32_t>(record_.symbols.size());
      record_.symbols.push_back(global.name);
      live.address = address;
      live.file = global.initial;
      live.now.resize(size);
      live.pristine.resize(size);
      CRUCIBLE_CUDA(cuMemcpyDtoH, live.now.data(), live.address, size);
      CRUCIBLE_CUDA(cuMemcpyDtoH, live.pristine.data(), live.pristine_address, size);
      globals_.push_back(std::move(live));
    }
    // Words that loading relocated although they point to no variable are addresses of code.
    for (std::size_t g = 0; g < globals_.size(); ++g)
      for (std::size_t at = 0; at + 8 <= globals_[g].now.size(); at += 8) {
        const std::uint64_t now = word_at(&globals_[g].now[at]), fresh = word_at(&globals_[g].pristine[at]);
        if (now != 0 && fresh != word_at(&globals_[g].file[at]) && !global_holding(fresh, true) && !global_holding(now))
          code_[now] = {g, at};
      }
  }

  std::optional<std::size_t> global_holding(std::uint64_t address, bool pristine = false) const {
    for (std::size_t i = 0; i < globals_.size(); ++i) {
      const std::uint64_t begin = pristine ? globals_[i].pristine_address : globals_[i].address;
      if (address >= begin && address - begin < globals_[i].now.size()) return i;
    }
    return std::nullopt;
  }

  bool in_arena(std::uint64_t address) const { return address >= arena_ && address - arena_ < arena_bytes_; }

  /// Index of the workspace that holds `address`, found by asking the driver; none for anything but an allocation.
  std::optional<std::size_t> workspace_holding(std::uint64_t address) {
    if (address < (1ull << 24) || address >> 57 != 0 || in_arena(address)) return std::nullopt;
    for (std::size_t i = 0; i < record_.workspaces.size(); ++i) {
      const Workspace& w = record_.workspaces[i];
      if (address >= w.base && address - w.base < w.bytes.size()) return i;
    }
    if (no_allocation_.contains(address >> 12) || ++questions_ > kMaxQuestions) return std::nullopt;
    CUdeviceptr base = 0;
    std::size_t bytes = 0;
    CUmemorytype type{};
    if (driver().cuMemGetAddressRange(&base, &bytes, address) != CUDA_SUCCESS ||
        driver().cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address) != CUDA_SUCCESS ||
        type != CU_MEMORYTYPE_DEVICE) {
      no_allocation_.insert(address >> 12);
      return std::nullopt;
    }
    workspace_bytes_ += bytes;
    if (record_.workspaces.size() >= kMaxWorkspaces || workspace_bytes_ > kMaxWorkspaceBytes) {
      refuse("workspaces of more than 256 MiB");
      return std::nullopt;
    }
    Workspace found;
    found.base = base;
    found.bytes.resize(bytes);
    CRUCIBLE_CUDA(cuMemcpyDtoH, found.bytes.data(), base, bytes);
    record_.workspaces.push_back(std::move(found));
    return record_.workspaces.size() - 1;
  }

  /// How three values of one word follow from the tensors' addresses.
  std::optional<WordPatch> from_tensors(std::uint64_t a, std::uint64_t b, std::uint64_t c) const {
    const auto moved = [&](std::size_t t, int set) { return tensors_[t].address[set] - tensors_[t].address[0]; };
    WordPatch patch;
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      if (tensors_[t].bytes == 0 || b - a != moved(t, 1) || c - a != moved(t, 2)) continue;
      patch.a = static_cast<std::int32_t>(t);
      patch.addend = static_cast<std::int64_t>(a - tensors_[t].address[0]);
      // Tensors that share a storage move alike: the one that holds the address is meant.
      if (a >= tensors_[t].address[0] && a - tensors_[t].address[0] < tensors_[t].bytes) return patch;
      if (!maybe_holder(a)) return patch;
    }
    for (std::size_t t = 0; t < tensors_.size(); ++t)
      for (std::size_t u = 0; u < tensors_.size(); ++u) {
        if (t == u || tensors_[t].bytes == 0 || tensors_[u].bytes == 0) continue;
        if (b - a != moved(t, 1) - moved(u, 1) || c - a != moved(t, 2) - moved(u, 2)) continue;
        patch.source = WordSource::difference;
        patch.a = static_cast<std::int32_t>(t);
        patch.b = static_cast<std::int32_t>(u);
        patch.addend = static_cast<std::int64_t>(a - (tensors_[t].address[0] - tensors_[u].address[0]));
        return patch;
      }
    for (std::size_t t = 0; t < tensors_.size(); ++t)
      for (int shift = 1; shift <= kMaxShift; ++shift) {
        if (tensors_[t].bytes == 0) continue;
        const std::uint64_t rest = a - (tensors_[t].address[0] >> shift);
        if (b - (tensors_[t].address[1] >> shift) != rest || c - (tensors_[t].address[2] >> shift) != rest) continue;
        patch.source = WordSource::shifted;
        patch.shift = static_cast<std::uint8_t>(shift);
        patch.a = static_cast<std::int32_t>(t);
        patch.addend = static_cast<std::int64_t>(rest);
        return patch;
      }
    return std::nullopt;
  }

  /// Whether some tensor holds the address (in the first set).
  bool maybe_holder(std::uint64_t address) const {
    return std::any_of(tensors_.begin(), tensors_.end(), [&](const TensorPlaces& t) {
      return address >= t.address[0] && address - t.address[0] < t.bytes;
    });
  }

  /// A word that is the same in all sets, or lies in a global or workspace.
  std::optional<WordPatch> from_memory(std::uint64_t word) {
    WordPatch patch;
    if (const auto g = global_holding(word)) {
      patch.source = WordSource::global;
      patch.a = static_cast<std::int32_t>(globals_[*g].symbol);
      patch.addend = static_cast<std::int64_t>(word - globals_[*g].address);
      return patch;
    }
    if (const auto found = code_.find(word); found != code_.end()) {
      patch.source = WordSource::code;
      patch.a = static_cast<std::int32_t>(globals_[found->second.first].symbol);
      patch.addend = static_cast<std::int64_t>(found->second.second);
      return patch;
    }
    if (const auto w = workspace_holding(word)) {
      patch.source = WordSource::workspace;
      patch.a = static_cast<std::int32_t>(*w);
      patch.addend = static_cast<std::int64_t>(word - record_.workspaces[*w].base);
      return patch;
    }
    return std::nullopt;
  }

  void explain_node(std::size_t n) {
    RecordedNode& node = record_.nodes[n];
    for (std::uint32_t b = 0; b <= node.attributes.size(); ++b) {
      std::array<const std::byte*, 3> blob{};
      std::size_t size = node.blob.size();
      for (std::size_t k = 0; k < 3; ++k) {
        const RecordedNode& seen = calls_[k].nodes[n];
        blob[k] = b == 0 ? seen.blob.data() : seen.attributes[b - 1].value.data();
      }
      if (b != 0) size = sizeof(NodeAttribute::value);
      for (std::size_t at = 0; at < size;) {
        if (size - at >= 8) {
          const std::uint64_t x = word_at(blob[0] + at), y = word_at(blob[1] + at), z = word_at(blob[2] + at);
          std::optional<WordPatch> patch = x != y || x != z ? from_tensors(x, y, z) : from_memory(x);
          if (patch) {
            patch->blob = b;
            patch->offset = static_cast<std::uint32_t>(at);
            node.patches.push_back(*patch);
            at += 8;
            continue;
          }
        }
        // Four bytes on: a structure packs pointers behind 4-byte members. What differs without explanation (padding,
        // as a rule) stays constant, and verification decides.
        const std::size_t step = std::min<std::size_t>(4, size - at);
        if (std::memcmp(blob[0] + at, blob[1] + at, step) != 0 || std::memcmp(blob[0] + at, blob[2] + at, step) != 0)
          ++record_.unexplained;
        at += step;
      }
    }
  }

  void save_globals() {
    for (const LiveGlobal& g : globals_) {
      if (g.now == g.pristine) continue;
      GlobalState state;
      state.symbol = g.symbol;
      state.bytes = g.now;
      state.mask.assign(g.now.size(), std::byte{0});
      bool changed = false;
      for (std::size_t at = 0; at < g.now.size();) {
        const std::size_t step = std::min<std::size_t>(8, g.now.size() - at);
        const std::uint64_t now = word_at(&g.now[at], step), fresh = word_at(&g.pristine[at], step);
        if (now != fresh && !same_relocation(g, at, step, now, fresh)) {
          changed = true;
          std::optional<WordPatch> patch = step == 8 ? from_memory(now) : std::nullopt;
          if (patch) {
            patch->offset = static_cast<std::uint32_t>(at);
            state.patches.push_back(*patch);
          } else {
            std::fill_n(state.mask.begin() + static_cast<std::ptrdiff_t>(at), step, std::byte{1});
          }
        }
        at += step;
      }
      if (changed) record_.globals.push_back(std::move(state));
    }
  }

  /// Whether a word differs only because each load relocates it to its own addresses.
  bool same_relocation(const LiveGlobal& g, std::size_t at, std::size_t step, std::uint64_t now,
                       std::uint64_t fresh) const {
    if (step != 8) return false;
    const auto here = global_holding(now), there = global_holding(fresh, true);
    if (here && there && *here == *there)
      return now - globals_[*here].address == fresh - globals_[*there].pristine_address;
    const auto found = code_.find(now);
    return !here && found != code_.end() && fresh != word_at(&g.file[at]);
  }

  /// Workspaces may point to each other, to globals, and to workspaces not seen before: the list grows while it is
  /// walked.
  void save_workspaces() {
    for (std::size_t w = 0; w < record_.workspaces.size() && record_.not_replayable.empty(); ++w) {
      std::vector<WordPatch> patches;
      const std::size_t size = record_.workspaces[w].bytes.size();
      for (std::size_t at = 0; at + 8 <= size; at += 8) {
        const std::uint64_t word = word_at(&record_.workspaces[w].bytes[at]);
        if (word == 0) continue;
        std::optional<WordPatch> patch = from_memory(word);
        // A workspace keeps its address, so a pointer to one needs no patch; finding it is what mattered.
        if (!patch || patch->source == WordSource::workspace) continue;
        patch->offset = static_cast<std::uint32_t>(at);
        patches.push_back(*patch);
        if (patches.size() > (1u << 19)) return refuse("a workspace with too many pointers");
      }
      record_.workspaces[w].patches = std::move(patches);
    }
  }

  static constexpr std::uint64_t kMaxQuestions = 4'000'000;

  const std::array<CapturedCall, 3>& calls_;
  const std::vector<TensorPlaces>& tensors_;
  std::uint64_t arena_;
  std::uint64_t arena_bytes_;
  LaunchRecord record_;
  std::vector<LiveGlobal> globals_;
  std::map<std::uint64_t, std::pair<std::size_t, std::size_t>> code_;
  std::set<std::uint64_t> no_allocation_;
  std::uint64_t questions_ = 0;
  std::uint64_t workspace_bytes_ = 0;
};

}  // namespace

LaunchRecord explain(const std::array<CapturedCall, 3>& calls, const std::vector<TensorPlaces>& tensors,
                     const CubinContents& cubin, const DeviceModule& pristine, std::uint64_t arena,
                     std::uint64_t arena_bytes) {
  return Explainer(calls, tensors, arena, arena_bytes).run(cubin, pristine);
}

}  // namespace crucible
