#include "reward/novelty/ptx.h"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "reward/novelty/inlining.h"
#include "reward/novelty/ptx_kernel.h"
#include "reward/novelty/ptx_text.h"

namespace crucible::novelty {
namespace {

/// `.entry name(` and `.func (.param .b32 func_retval0) name(`.
std::string name_of(std::string_view head) {
  std::string_view rest = ptx::trimmed(head.substr(std::min(head.find_first_of(" \t("), head.size())));
  if (rest.starts_with("(")) rest = ptx::trimmed(rest.substr(std::min(rest.find(')') + 1, rest.size())));
  return std::string(ptx::trimmed(rest.substr(0, rest.find_first_of("( \t\n"))));
}

void resolve_calls(ptx::Module& module) {
  Program& program = module.program;
  std::unordered_map<std::string, std::uint32_t> by_name;
  for (std::uint32_t i = 0; i < program.functions.size(); ++i) by_name.emplace(program.functions[i].name, i);
  for (const ptx::PendingCall& call : module.calls)
    if (const auto found = by_name.find(call.callee); found != by_name.end())
      program.calls.push_back({call.function, found->second, call.block, call.result, call.arguments});
}

}  // namespace

Program read_ptx(std::string_view text) {
  ptx::Module module;
  Program& program = module.program;
  auto& objects = module.objects;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t entry = std::min(text.find(".entry", at), text.find(".func", at));
    const std::size_t limit = std::min(entry, text.size());
    // Variables of the module between functions.
    std::string_view between = text.substr(at, limit - at);
    for (std::size_t s = between.find(".shared"); s != std::string_view::npos; s = between.find(".shared", s + 1)) {
      const std::string_view line = between.substr(s, between.find(';', s) - s);
      const std::size_t last = line.find_last_of(" \t");
      if (last == std::string_view::npos) continue;
      const std::string_view name = line.substr(last + 1);
      const auto [one, fresh] = objects.emplace(std::string(name.substr(0, name.find('['))),
                                                static_cast<std::uint32_t>(program.objects.size()));
      if (fresh) {
        program.objects.emplace_back();
        program.objects.back().shared = true;
      }
    }
    if (entry == std::string_view::npos) break;
    const std::size_t open = text.find('{', entry), semicolon = text.find(';', entry);
    if (open == std::string_view::npos) break;
    if (semicolon < open) {  // a declaration
      at = semicolon + 1;
      continue;
    }
    std::size_t close = open;
    for (int depth = 0; close < text.size(); ++close) {
      if (text[close] == '{') ++depth;
      if (text[close] == '}' && --depth == 0) break;
    }
    Function function;
    function.name = name_of(text.substr(entry, open - entry));
    if (program.functions.size() >= 2000)
      throw std::runtime_error("the compiled code has too many functions to analyse");
    program.functions.push_back(std::move(function));
    const auto first = static_cast<NodeId>(program.nodes.size());
    ptx::KernelReader(module, static_cast<std::uint32_t>(program.functions.size() - 1))
        .read(text.substr(open + 1, close - open - 1));
    program.functions.back().spans.emplace_back(first, static_cast<NodeId>(program.nodes.size()));
    at = std::min(close + 1, text.size());
  }
  find_loops(program);
  // A merge belongs to the header of the loop that carries it, where it has one operand from outside.
  for (Node& node : program.nodes) {
    if (node.kind != Kind::phi || node.operands.size() < 2) continue;
    for (NodeId id : node.operands) {
      const std::uint32_t loop = program.blocks[program.nodes[id].block].loop;
      if (loop == kNone) continue;
      const bool others_outside = std::any_of(node.operands.begin(), node.operands.end(), [&](NodeId other) {
        return program.blocks[program.nodes[other].block].loop != loop;
      });
      if (others_outside) node.block = program.loops[loop].header;
    }
  }
  resolve_calls(module);
  inline_calls(program);
  return std::move(module.program);
}

}  // namespace crucible::novelty
