#include "reward/novelty/gimple.h"

#include <algorithm>
#include <stdexcept>

#include "reward/novelty/gimple_function.h"

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

/// Closures of one function print alike; the type of the closure that is passed tells them apart.
std::vector<std::uint32_t> callees_of(const gimple::Shared& shared, const gimple::PendingCall& call,
                                      const std::vector<std::uint32_t>& named) {
  if (named.size() < 2 || call.arguments.empty()) return named;
  const Node& first = shared.program.nodes[call.arguments[0]];
  const auto type = shared.object_types.find(first.object);
  if (first.kind != Kind::local || type == shared.object_types.end()) return named;
  std::string_view printed = type->second;
  for (std::string_view prefix : {"const ", "static ", "struct ", "const "})
    if (printed.starts_with(prefix)) printed.remove_prefix(prefix.size());
  std::vector<std::uint32_t> out;
  for (std::uint32_t index : named)
    if (index < shared.signatures.size() && shared.signatures[index].find(printed) != std::string::npos)
      out.push_back(index);
  return out.empty() ? named : out;
}

void join_calls(gimple::Shared& shared) {
  Program& program = shared.program;
  for (const gimple::PendingCall& call : shared.calls) {
    const auto found = shared.functions.find(call.callee);
    if (found == shared.functions.end()) {
      if (call.result != kNone)
        for (NodeId id : call.arguments) program.nodes[call.result].operands.push_back(id);
      continue;
    }
    for (std::uint32_t callee : callees_of(shared, call, found->second)) {
      const Function& function = program.functions[callee];
      program.functions[call.function].callees.push_back(callee);
      for (std::size_t i = 0; i < std::min(call.arguments.size(), function.parameters.size()); ++i) {
        if (function.parameters[i] == kNone) continue;
        Node& parameter = program.nodes[function.parameters[i]];
        if (parameter.operands.size() < 16) parameter.operands.push_back(call.arguments[i]);
      }
      if (call.result == kNone || function.returns.empty()) continue;
      Node& result = program.nodes[call.result];
      result.kind = Kind::phi;
      result.operands.insert(result.operands.end(), function.returns.begin(), function.returns.end());
    }
  }
}

/// Types that only a typedef's name gave are taken from the values around.
void infer_types(Program& program) {
  for (int round = 0; round < 3; ++round)
    for (Node& node : program.nodes) {
      const bool follows =
          node.kind == Kind::operation || node.kind == Kind::phi || node.kind == Kind::copy || node.kind == Kind::store;
      if (!follows) continue;
      for (NodeId id : node.operands) {
        Node& operand = program.nodes[id];
        if (node.type == Type::opaque && operand.type != Type::opaque && operand.kind != Kind::constant) {
          node.type = operand.type;
          node.vector = node.vector || operand.vector;
        } else if (operand.type == Type::opaque && node.type != Type::opaque && node.type != Type::none) {
          operand.type = node.type;
          operand.vector = operand.vector || node.vector;
        }
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
    gimple::FunctionReader(shared, index).read(split_part.signature, split_part.body);
    ++index;
  }
  // Anything unplaced belongs to block 0, which must exist.
  if (shared.program.blocks.empty()) shared.program.nodes.clear();
  join_calls(shared);
  infer_types(shared.program);
  find_loops(shared.program);
  return std::move(shared.program);
}

}  // namespace crucible::novelty
