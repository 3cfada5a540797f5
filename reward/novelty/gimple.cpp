#include "reward/novelty/gimple.h"

#include <algorithm>
#include <stdexcept>

#include "reward/novelty/gimple_function.h"
#include "reward/novelty/hashing.h"
#include "reward/novelty/inlining.h"

namespace crucible::novelty {
namespace {

constexpr std::string_view kHeadline = ";; Function ";

struct Part {
  std::string_view signature, body;
};

/// Splits one function's text into its signature and what is between its braces.
Part split(std::string_view text) {
  Part out;
  const std::size_t open = text.find("\n{\n");
  if (open == std::string_view::npos) return out;
  const std::size_t line = text.rfind('\n', open == 0 ? 0 : open - 1);
  out.signature = text.substr(line == std::string_view::npos ? 0 : line + 1, open - (line + 1));
  const std::size_t close = text.find("\n}\n", open);
  out.body = text.substr(open + 3, (close == std::string_view::npos ? text.size() : close) - (open + 3));
  return out;
}

bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// `using Real = float;` and `typedef float Real;`: the dump prints the author's names.
void read_aliases(std::string_view source, gimple::Shared& shared) {
  const auto word_at = [&](std::string_view word, std::size_t from) {
    for (std::size_t at = source.find(word, from); at != std::string_view::npos; at = source.find(word, at + 1)) {
      const std::size_t end = at + word.size();
      if ((at == 0 || !is_name(source[at - 1])) && end < source.size() && !is_name(source[end])) return at;
    }
    return std::string_view::npos;
  };
  const auto add = [&](std::string_view name, std::string_view meaning) {
    auto type = gimple::type_named(meaning);
    if (type.first == Type::opaque)
      for (const auto& [known, its] : shared.aliases)
        if (meaning.find(known) != std::string_view::npos) type = its;
    type.second = type.second || meaning.find("vector_size") != std::string_view::npos;
    if (type.first != Type::opaque && shared.aliases.size() < 4096) shared.aliases[std::string(name)] = type;
  };
  for (std::size_t at = word_at("using", 0); at != std::string_view::npos; at = word_at("using", at + 1)) {
    const std::string_view text = source.substr(at + 5, std::min<std::size_t>(400, source.find(';', at) - at - 5));
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    std::size_t begin = text.find_first_not_of(" \t\n");
    std::size_t end = begin;
    while (end < equals && is_name(text[end])) ++end;
    if (begin < end) add(text.substr(begin, end - begin), text.substr(equals + 1));
  }
  for (std::size_t at = word_at("typedef", 0); at != std::string_view::npos; at = word_at("typedef", at + 1)) {
    const std::string_view text = source.substr(at + 7, std::min<std::size_t>(400, source.find(';', at) - at - 7));
    std::size_t end = std::min(text.find("__attribute__"), text.size());
    while (end > 0 && !is_name(text[end - 1])) --end;
    std::size_t begin = end;
    while (begin > 0 && is_name(text[begin - 1])) --begin;
    if (begin < end)
      add(text.substr(begin, end - begin), std::string(text.substr(0, begin)) + std::string(text.substr(end)));
  }
}

/// A type's text without what does not tell overloads apart.
std::string bare(std::string_view type) {
  std::string out;
  while (!type.empty()) {
    const std::size_t end = std::min(type.find(' '), type.size());
    const std::string_view word = type.substr(0, end);
    if (word != "const" && word != "struct" && word != "restrict" && word != "static" && word != "volatile")
      out += word;
    type.remove_prefix(std::min(end + 1, type.size()));
  }
  return out;
}

/// Parameters of a signature, each as a bare type.
std::vector<std::string> parameter_types(std::string_view signature) {
  std::vector<std::string> out;
  const std::size_t open = signature.rfind(" (");
  if (open == std::string_view::npos) return out;
  std::string_view list = signature.substr(open + 2);
  while (!list.empty() && out.size() < 64) {
    const std::size_t end = std::min(list.find_first_of(",)"), list.size());
    const std::string_view one = list.substr(0, end);
    const std::size_t last = one.find_last_of(" *&");
    out.push_back(bare(one.substr(0, last == std::string_view::npos ? 0 : last + 1)));
    list.remove_prefix(std::min(end + 2, list.size()));
  }
  return out;
}

/// Overloads, instances and closures print alike; the types of what is passed tell them apart.
std::vector<std::uint32_t> callees_of(const gimple::Shared& shared, const gimple::PendingCall& call,
                                      const std::vector<std::uint32_t>& named) {
  if (named.size() < 2) return named;
  std::vector<std::uint32_t> out;
  int best = -1;
  for (std::uint32_t index : named) {
    if (index >= shared.signatures.size()) continue;
    const std::vector<std::string> types = parameter_types(shared.signatures[index]);
    int fit = 0;
    for (std::size_t i = 0; i < std::min(types.size(), call.types.size()); ++i) {
      const std::string given = bare(call.types[i]);
      fit += given.empty() ? 0 : given == types[i] ? 2 : -1;
    }
    if (fit > best) out.clear();
    if (fit >= best) out.push_back(index);
    best = std::max(best, fit);
  }
  return out.empty() ? named : out;
}

void resolve_calls(gimple::Shared& shared) {
  Program& program = shared.program;
  for (const gimple::PendingCall& call : shared.calls) {
    const auto found = shared.functions.find(call.callee);
    if (found == shared.functions.end()) {
      if (call.result != kNone)
        for (NodeId id : call.arguments) program.nodes[call.result].operands.push_back(id);
      continue;
    }
    for (std::uint32_t callee : callees_of(shared, call, found->second))
      program.calls.push_back({call.function, callee, call.block, call.result, call.arguments});
  }
}

/// Types that the text does not give (an author's name of a type, variables of one name) are taken from the values
/// around.
void infer_types(Program& program) {
  const std::uint64_t compare = hash_text("cmp"), convert = hash_text("convert");
  const auto give = [&](NodeId to, const Node& from) {
    Node& node = program.nodes[to];
    if (node.type != Type::opaque || from.type == Type::opaque || from.type == Type::none) return;
    node.type = from.type;
    node.vector = node.vector || from.vector;
  };
  for (int round = 0; round < 6; ++round)
    for (NodeId id = 0; id < program.nodes.size(); ++id) {
      Node& node = program.nodes[id];
      const bool follows =
          node.kind == Kind::operation || node.kind == Kind::phi || node.kind == Kind::copy || node.kind == Kind::store;
      if (!follows || (node.kind == Kind::operation && node.label == convert)) continue;
      if (node.kind == Kind::operation && node.label == compare) {  // says nothing, but its sides are alike
        for (std::size_t i = 0; i < 2 && node.operands.size() == 2; ++i)
          if (program.nodes[node.operands[1 - i]].kind != Kind::constant)
            give(node.operands[i], program.nodes[node.operands[1 - i]]);
        continue;
      }
      for (NodeId operand : node.operands) {
        const Node& from = program.nodes[operand];
        // A constant without a point is an integer; with one, it may be of any width.
        if (from.kind != Kind::constant || from.type == Type::integer) give(id, from);
        give(operand, node);
        if (node.kind == Kind::store) break;  // its second operand is an index
      }
    }
}

}  // namespace

Program read_gimple(std::string_view text, std::string_view source) {
  gimple::Shared shared;
  read_aliases(source, shared);
  std::vector<std::string_view> parts;
  for (std::size_t at = text.find(kHeadline); at != std::string_view::npos;) {
    const std::size_t next = text.find("\n;; Function ", at + 1);
    parts.push_back(text.substr(at, (next == std::string_view::npos ? text.size() : next + 1) - at));
    at = next == std::string_view::npos ? next : next + 1;
    if (parts.size() > 2000) throw std::runtime_error("the compiled code has too many functions to analyse");
  }
  for (std::string_view part : parts) {
    // ";; Function dotp<8> (_ZN…, funcdef_no=…"
    const std::string_view headline = part.substr(kHeadline.size(), part.find('\n') - kHeadline.size());
    const std::size_t facts = headline.find(", funcdef_no");
    const std::size_t open = headline.rfind(" (", facts);
    if (facts == std::string_view::npos || open == std::string_view::npos) continue;
    const auto index = static_cast<std::uint32_t>(shared.program.functions.size());
    Function function;
    function.name = std::string(headline.substr(open + 2, facts - open - 2));
    shared.functions[function.name].push_back(index);
    const gimple::Statement printed = gimple::read_statement(headline.substr(0, open));
    const std::string name = gimple::joined(printed.words.data(), printed.words.data() + printed.words.size());
    if (name != function.name) shared.functions[name].push_back(index);
    shared.program.functions.push_back(std::move(function));
  }
  std::uint32_t index = 0;
  for (std::string_view part : parts) {
    const std::string_view headline = part.substr(0, part.find('\n'));
    if (headline.find(", funcdef_no") == std::string_view::npos ||
        headline.rfind(" (", headline.find(", funcdef_no")) == std::string_view::npos)
      continue;
    const Part split_part = split(part);
    shared.signatures.emplace_back(split_part.signature.substr(0, 2000));
    const auto first = static_cast<NodeId>(shared.program.nodes.size());
    gimple::FunctionReader(shared, index).read(split_part.signature, split_part.body);
    shared.program.functions[index].spans.emplace_back(first, static_cast<NodeId>(shared.program.nodes.size()));
    ++index;
  }
  // Anything unplaced belongs to block 0, which must exist.
  if (shared.program.blocks.empty()) shared.program.nodes.clear();
  resolve_calls(shared);
  find_loops(shared.program);
  inline_calls(shared.program);
  infer_types(shared.program);
  return std::move(shared.program);
}

}  // namespace crucible::novelty
