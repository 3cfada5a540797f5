#include "reward/novelty/techniques.h"

#include <algorithm>
#include <array>
#include <map>

#include "reward/novelty/hashing.h"

namespace crucible::novelty {
namespace {

/// Instructions and calls whose presence in reachable code is the technique.
struct Mark {
  std::string_view text;
  std::string_view technique;
};
constexpr Mark kGimpleMarks[] = {
    {"__builtin_ia32_movnt", "non-temporal stores"},
    {"__builtin_prefetch", "prefetch"},
    {"__builtin_ia32_gather", "gathers"},
    {"__builtin_ia32_vpdp", "integer dot product"},
    {"__builtin_ia32_dpbf16", "bf16 dot product"},
    {"__builtin_ia32_vdpbf", "bf16 dot product"},
    {"__builtin_ia32_tdp", "tile matrix unit"},
    {"__builtin_ia32_rsqrt", "approximate reciprocal"},
    {"__builtin_ia32_rcp", "approximate reciprocal"},
    {"maskload", "masked vectors"},
    {"maskstore", "masked vectors"},
    {"GOMP_parallel", "OpenMP threads"},
    {"__builtin_omp_get_thread_num", "OpenMP threads"},
    {"__asm__", "inline assembly"},
};
constexpr Mark kPtxMarks[] = {
    {"ld.global.v4", "128-bit loads"},
    {"st.global.v4", "128-bit stores"},
    {"ld.global.nc", "read-only loads"},
    {"shfl.sync", "warp shuffles"},
    {"redux.sync", "warp reductions"},
    {"wgmma.mma_async", "tensor cores (wgmma)"},
    {"mma.sync", "tensor cores (mma)"},
    {"ldmatrix", "matrix loads"},
    {"cp.async.bulk", "bulk asynchronous copies"},
    {"cp.async.c", "asynchronous copies"},
    {"mbarrier", "barriers in memory"},
    {"atom.", "atomics"},
    {"red.global", "atomics"},
    {"ex2.approx", "fast exponential"},
    {"rsqrt.approx", "fast reciprocal root"},
    {"fma.rn.f16x2", "packed half arithmetic"},
    {"fma.rn.bf16x2", "packed bf16 arithmetic"},
    {"dp4a", "integer dot product"},
    {"e4m3", "8-bit floats"},
    {"barrier.cluster", "thread block clusters"},
    {"griddepcontrol", "programmatic launch"},
    {"prefetch", "prefetch"},
    {"evict_first", "cache policy"},
    {"bar.sync", "block barriers"},
};

/// The location printed nearest before `at`: `[file:12:7]` in GIMPLE, `.loc 1 12 7` in PTX.
int line_before(std::string_view text, std::size_t at, bool ptx) {
  const std::size_t from = at > 4000 ? at - 4000 : 0;
  std::string_view before = text.substr(from, at - from);
  for (int tries = 0; tries < 64 && !before.empty(); ++tries) {
    const std::size_t mark = ptx ? before.rfind(".loc\t1 ") : before.rfind('[');
    if (mark == std::string_view::npos) return 0;
    std::string_view rest = before.substr(mark + (ptx ? 7 : 1));
    if (!ptx) {
      const std::size_t close = rest.find(']');
      rest = rest.substr(0, close);
      const std::size_t colon = rest.find(':');
      if (colon == std::string_view::npos || rest.starts_with("/usr/") || rest.starts_with("local")) {
        before = before.substr(0, mark);
        continue;
      }
      rest.remove_prefix(colon + 1);
    }
    int line = 0;
    for (char c : rest) {
      if (c < '0' || c > '9') break;
      if (line < 10000000) line = 10 * line + (c - '0');
    }
    if (line > 0) return line;
    before = before.substr(0, mark);
  }
  return 0;
}

/// The text where it is code: not a part of a file's name in a location, nor of a headline.
std::size_t find_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t begin = text.rfind('\n', at) + 1;
    const std::string_view line = text.substr(begin, at - begin);
    const std::size_t open = line.rfind('[');
    const bool in_location = open != std::string_view::npos && line.find(']', open) == std::string_view::npos &&
                             line.substr(open).find('%') == std::string_view::npos &&
                             text.substr(at, 80).find(']') < text.substr(at, 80).find('\n') && !line.ends_with("\t");
    if (!line.starts_with(";;") && !line.starts_with("//") && !in_location) return at;
  }
  return std::string_view::npos;
}

class Finder {
 public:
  void add(std::string_view name, std::string evidence, int line) {
    for (const Technique& t : found_)
      if (t.name == name) return;
    if (found_.size() < 32) found_.push_back({std::string(name), std::move(evidence), line});
  }
  std::vector<Technique> take() { return std::move(found_); }

 private:
  std::vector<Technique> found_;
};

}  // namespace

std::vector<Technique> techniques_of(const Program& program, Dataflow& flow, std::string_view compiled) {
  Finder found;
  const bool ptx = compiled.find(".entry") != std::string_view::npos;
  const auto search = [&](const auto& marks) {
    for (const Mark& mark : marks)
      if (const std::size_t at = find_word(compiled, mark.text); at != std::string_view::npos) {
        const std::size_t end = std::min(compiled.find_first_of(" (\n", at), at + 48);
        found.add(mark.technique, std::string(compiled.substr(at, end - at)), line_before(compiled, at, ptx));
      }
  };
  if (ptx)
    search(kPtxMarks);
  else
    search(kGimpleMarks);

  const std::uint64_t multiply = hash_text("mul"), add = hash_text("add"), maximum = hash_text("extreme"),
                      exponential = hash_text("exp"), shift = hash_text("shl"), matrix = hash_text("mma");
  std::map<std::uint32_t, int> accumulators;  // recurrent sums by loop
  std::uint32_t deepest = 0;
  int deepest_line = 0;
  bool recurrent_max = false, recurrent_sum = false;
  for (NodeId id : flow.slice()) {
    const Node& node = program.nodes[id];
    const std::uint32_t loop = flow.loop_of(id);
    if (loop != kNone && program.loops[loop].depth > deepest) {
      deepest = program.loops[loop].depth;
      deepest_line = node.line;
    }
    if (node.vector && node.type >= Type::f16 && !ptx) found.add("explicit vectors", "vector arithmetic", node.line);
    if (node.kind == Kind::operation && node.label == add)
      for (NodeId source : flow.sources(id))
        if (program.nodes[source].kind == Kind::operation && program.nodes[source].label == multiply &&
            node.type >= Type::f16)
          found.add("multiply-add", "a product that is added", node.line);
    if (node.kind == Kind::operation && node.type >= Type::f16 && flow.is_recurrent(id)) {
      if (node.label == add && loop != kNone && ++accumulators[loop] == 2)
        found.add("several accumulators", "independent sums in one loop", node.line);
      recurrent_sum = recurrent_sum || node.label == add;
      recurrent_max = recurrent_max || node.label == maximum;
      if (node.label == add || node.label == multiply)
        for (NodeId source : flow.sources(id))
          if (program.nodes[source].label == exponential && program.nodes[source].kind == Kind::operation &&
              flow.is_recurrent(source))
            found.add("online rescaling", "a running sum is multiplied by an exponential that depends on it",
                      node.line);
    }
    if (node.kind == Kind::load || node.kind == Kind::store) {
      std::uint32_t object = kNone;
      if (flow.base_of_access(id, &object) == Base::object && object != kNone) {
        const Object& to = program.objects[object];
        if (node.kind == Kind::load && to.shared) found.add("shared tile", "a load from shared memory", node.line);
        if (node.kind == Kind::load && (to.is_heap || to.elements > 64) && !to.shared && !flow.sources(id).empty())
          found.add("staging buffer", "data pass through a buffer of the kernel's own", node.line);
        if (node.kind == Kind::load && to.is_static && flow.sources(id).empty())
          found.add("lookup table", "a load from a table", node.line);
      }
      int far = 0;
      for (const auto& [l, bytes] : flow.access_strides(id)) {
        const Stride stride = Dataflow::classify(bytes);
        far += stride == Stride::far ? 1 : 0;
        if (stride == Stride::indirect && l < 0xffffff00u)
          found.add("indirect access", "an address that depends on data", node.line);
      }
      if (far > 0 && loop != kNone && program.loops[loop].depth >= 3)
        found.add("loop blocking", "an address that steps by whole tiles", node.line);
    }
    if (node.kind == Kind::operation && node.label == matrix) found.add("tensor cores (mma)", "mma", node.line);
    if (node.kind == Kind::operation && node.label == shift && node.vector && node.type == Type::integer)
      found.add("exponent arithmetic", "a vector shift builds a power of two", node.line);
  }
  if (deepest >= 3) found.add("loop nest of depth " + std::to_string(deepest), "nested loops", deepest_line);
  return found.take();
}

}  // namespace crucible::novelty
