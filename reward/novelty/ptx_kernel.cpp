#include "reward/novelty/ptx_kernel.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "reward/novelty/hashing.h"
#include "reward/novelty/ptx_text.h"

namespace crucible::novelty::ptx {

void KernelReader::read(std::string_view body) {
  begin_block();
  program_.functions[function_].first_block = block_;
  while (!body.empty()) {
    while (!body.empty() && std::isspace(static_cast<unsigned char>(body.front()))) body.remove_prefix(1);
    if (body.empty()) break;
    if (body.starts_with("//") || body.starts_with(".loc") || body.starts_with(".pragma")) {
      const std::string_view line = body.substr(0, body.find('\n'));
      if (line.starts_with(".loc")) locate(line);
      body.remove_prefix(std::min(line.size() + 1, body.size()));
      continue;
    }
    if (body.front() == '{' || body.front() == '}') {
      body.remove_prefix(1);
      continue;
    }
    const std::size_t stop = body.find_first_of(";:\n");
    std::size_t end = stop;
    if (stop != std::string_view::npos && body[stop] == '\n') end = body.find(';');
    if (stop != std::string_view::npos && body[stop] == ':' && !(stop + 1 < body.size() && body[stop + 1] == ':')) {
      label(body.substr(0, stop));
      body.remove_prefix(stop + 1);
      continue;
    }
    if (stop != std::string_view::npos && body[stop] == ':') end = body.find(';');
    end = std::min(end, body.size());
    instruction(trimmed(body.substr(0, end)));
    body.remove_prefix(std::min(end + 1, body.size()));
  }
  join();
}

NodeId KernelReader::operand(std::string_view text, Type type) {
  text = trimmed(text);
  if (text.starts_with("!")) text.remove_prefix(1);
  if (text.starts_with("{")) {
    std::vector<NodeId> parts;
    for (std::string_view part : separated(text.substr(1, text.size() > 1 ? text.size() - 2 : 0)))
      parts.push_back(operand(part, type));
    return parts.size() == 1 ? parts[0] : program_.operation("build", type, true, std::move(parts), block_, line_);
  }
  if (text.starts_with("%")) {
    static constexpr std::string_view kIndices[] = {"%tid",    "%ctaid",  "%ntid",         "%nctaid",
                                                    "%laneid", "%warpid", "%cluster_ctaid"};
    for (std::size_t i = 0; i < std::size(kIndices); ++i)
      if (text == kIndices[i] || (text.starts_with(kIndices[i]) && text[kIndices[i].size()] == '.')) {
        const NodeId id = program_.operation("index", Type::integer, false, {}, block_, line_);
        const bool counts = i == 0 || i == 1 || i == 4 || i == 5;  // sizes do not vary
        program_.nodes[id].space = counts ? static_cast<std::uint8_t>(1 + i * 3 +
                                                                      (text.ends_with("y")   ? 1
                                                                       : text.ends_with("z") ? 2
                                                                                             : 0))
                                          : std::uint8_t{0};
        return id;
      }
    return reg(text);
  }
  if (!text.empty() && (std::isdigit(static_cast<unsigned char>(text[0])) || text[0] == '-')) {
    double value = 0;
    const std::string copy(text.substr(0, 40));
    if (copy.starts_with("0f") || copy.starts_with("0F")) {
      const auto bits = static_cast<std::uint32_t>(std::strtoul(copy.c_str() + 2, nullptr, 16));
      float real = 0;
      static_assert(sizeof bits == sizeof real);
      std::memcpy(&real, &bits, sizeof real);
      value = real;
    } else if (copy.starts_with("0d") || copy.starts_with("0D")) {
      const std::uint64_t bits = std::strtoull(copy.c_str() + 2, nullptr, 16);
      std::memcpy(&value, &bits, sizeof value);
    } else {
      value = static_cast<double>(std::strtoll(copy.c_str(), nullptr, 0));
    }
    return program_.constant(value, type, block_);
  }
  // A symbol: the address of a variable.
  Node node;
  node.kind = Kind::local;
  node.type = Type::pointer;
  node.block = block_;
  node.object = object(text);
  return program_.add(std::move(node));
}

NodeId KernelReader::pointer(std::string_view text, std::int64_t& offset) {
  const std::size_t open = text.find('[');
  const std::size_t close = text.find(']', open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos || close == std::string_view::npos) return kNone;
  std::string_view inside = trimmed(text.substr(open + 1, close - open - 1));
  if (const std::size_t comma = inside.find(','); comma != std::string_view::npos) inside = inside.substr(0, comma);
  const std::size_t plus = inside.find('+');
  if (plus != std::string_view::npos)
    offset = std::strtoll(std::string(inside.substr(plus + 1, 20)).c_str(), nullptr, 0);
  return operand(inside.substr(0, plus), Type::pointer);
}

NodeId KernelReader::reg(std::string_view name) {
  const auto [at, fresh] = registers_.emplace(std::string(name), static_cast<NodeId>(program_.nodes.size()));
  if (fresh) {
    if (program_.nodes.size() >= kMostNodes) throw std::runtime_error("the compiled code is too large to analyse");
    Node node;
    node.kind = Kind::phi;
    node.block = block_;
    if (name.starts_with("%rd")) node.type = Type::integer;
    program_.nodes.push_back(node);
    homes_.push_back(at->second);
  }
  return at->second;
}

void KernelReader::begin_block() {
  if (program_.blocks.size() >= kMostBlocks) throw std::runtime_error("the compiled code is too large to analyse");
  block_ = static_cast<std::uint32_t>(program_.blocks.size());
  program_.blocks.emplace_back();
  program_.blocks.back().function = function_;
  program_.functions[function_].blocks.push_back(block_);
}

void KernelReader::label(std::string_view name) {
  const std::uint32_t before = block_;
  begin_block();
  if (open_) program_.blocks[before].successors.push_back(block_);
  open_ = true;
  labels_[std::string(trimmed(name))] = block_;
}

void KernelReader::locate(std::string_view line) {
  int file = 0, row = 0;
  if (std::sscanf(std::string(line.substr(0, 200)).c_str(), ".loc %d %d", &file, &row) == 2 && file == 1) line_ = row;
}

std::uint32_t KernelReader::object(std::string_view name) {
  const auto [at, fresh] = objects_.emplace(std::string(name), static_cast<std::uint32_t>(program_.objects.size()));
  if (fresh) program_.objects.emplace_back();
  return at->second;
}

void KernelReader::write(std::string_view name, NodeId value) {
  if (name == "_" || value == kNone) return;
  definitions_[reg(name)].push_back(value);
}

void KernelReader::instruction(std::string_view text) {
  if (text.empty()) return;
  if (text.starts_with(".")) {  // .shared .align 4 .b8 name[128]
    const std::size_t last = text.find_last_of(" \t");
    if (last == std::string_view::npos || text.starts_with(".reg")) return;
    std::string_view name = text.substr(last + 1);
    const double elements = name.find('[') == std::string_view::npos
                                ? 1
                                : std::strtod(std::string(name.substr(name.find('[') + 1, 20)).c_str(), nullptr);
    name = name.substr(0, name.find('['));
    if (text.starts_with(".shared") || text.starts_with(".local") || text.find(".shared") != std::string_view::npos) {
      const std::uint32_t id = object(name);
      program_.objects[id].shared = text.find(".shared") != std::string_view::npos;
      program_.objects[id].elements = static_cast<std::uint32_t>(std::min(elements, 1e9));
    }
    return;
  }
  bool guarded = false;
  if (text.starts_with("@")) {
    guarded = true;
    const std::size_t end = text.find_first_of(" \t");
    if (end == std::string_view::npos) return;
    text = trimmed(text.substr(end));
  }
  const std::size_t space = std::min(text.find_first_of(" \t"), text.size());
  const std::vector<std::string_view> words = dotted(text.substr(0, space));
  if (words.empty()) return;
  std::vector<std::string_view> parts = separated(text.substr(space));
  const std::string_view op = words[0];
  Type type = Type::none;
  for (std::string_view word : words)
    if (const Type t = type_of_suffix(word); t != Type::none) type = t;
  const bool packed = std::any_of(words.begin(), words.end(), [](std::string_view w) { return w.ends_with("x2"); });

  if (op == "bra" || op == "brx") {
    if (!parts.empty()) jumps_.emplace_back(block_, std::string(parts[0]));
    const std::uint32_t before = block_;
    begin_block();
    if (guarded) program_.blocks[before].successors.push_back(block_);
    open_ = true;
    if (!guarded) open_ = true;
    return;
  }
  if (op == "ret" || op == "exit" || op == "trap") {
    if (!guarded) {
      begin_block();
      open_ = true;
    }
    return;
  }
  if (op == "ld" || op == "ldu" || op == "st" || op == "atom" || op == "red" || op == "cp" || op == "ldmatrix" ||
      op == "stmatrix" || op == "multimem" || op == "wmma" || op == "prefetch" || op == "tex")
    return memory(words, parts, type);
  if (op == "bar" || op == "barrier" || op == "membar" || op == "fence" || op == "mbarrier" || op == "griddepcontrol" ||
      op == "elect" || op == "nanosleep" || op == "setmaxnreg" || op == "discard" || op == "wgmma") {
    if (op == "wgmma" && words.size() > 1 && words[1] == "mma_async") {
      std::vector<NodeId> inputs;
      for (std::size_t i = 1; i < parts.size(); ++i) inputs.push_back(operand(parts[i], Type::integer));
      const NodeId id = program_.operation("wgmma", type, true, std::move(inputs), block_, line_);
      if (!parts.empty() && parts[0].starts_with("{"))
        for (std::string_view d : separated(parts[0].substr(1, parts[0].size() - 2))) write(d, id);
      return;
    }
    program_.operation(op == "wgmma" ? "wgmma.sync" : "sync", Type::none, false, {}, block_, line_);
    return;
  }
  if (parts.empty()) return;
  if (op == "call") return call(parts);
  std::vector<NodeId> inputs;
  for (std::size_t i = 1; i < parts.size(); ++i) inputs.push_back(operand(parts[i], type));
  NodeId result = kNone;
  if (op == "mov" || op == "cvta" || op == "createpolicy") {
    result = inputs.empty() ? kNone : inputs[0];
  } else if (op == "cvt") {
    const bool from_real =
        words.size() > 1 && type_of_suffix(words.back()) >= Type::f16 && type_of_suffix(words.back()) <= Type::f8;
    Type to = Type::none;
    for (std::string_view word : words)
      if (to = type_of_suffix(word); to != Type::none) break;
    const bool to_real = to >= Type::f16 && to <= Type::f8;
    result = !from_real && !to_real ? (inputs.empty() ? kNone : inputs[0])
                                    : program_.operation("convert", to, packed, std::move(inputs), block_, line_);
  } else if (op == "fma" || op == "mad") {
    if (inputs.size() < 3) return;
    const NodeId product = program_.operation("mul", type, packed, {inputs[0], inputs[1]}, block_, line_);
    result = program_.operation("add", type, packed, {product, inputs[2]}, block_, line_);
  } else if (op == "mma") {
    result = program_.operation("mma", type, true, std::move(inputs), block_, line_);
  } else if (const std::string_view name = arithmetic(op); !name.empty()) {
    if (name == "shuffle" && inputs.size() > 1) inputs.resize(1);
    result = program_.operation(name, type, packed, std::move(inputs), block_, line_);
  } else {
    result = program_.operation("vector.other", type, packed, std::move(inputs), block_, line_);
  }
  // `%r1|%p1` and `{%f1,%f2}` are several destinations.
  std::string_view to = parts[0];
  if (to.starts_with("{")) {
    for (std::string_view one : separated(to.substr(1, to.size() - 2))) write(one, result);
    return;
  }
  const std::size_t bar = to.find('|');
  write(trimmed(to.substr(0, bar)), result);
  if (bar != std::string_view::npos) write(trimmed(to.substr(bar + 1)), result);
}

/// Registers with one definition are copies; with several, merges, which sit in the header of the loop that carries
/// them.
void KernelReader::join() {
  for (const auto& [from, name] : jumps_)
    if (const auto to = labels_.find(name); to != labels_.end()) program_.blocks[from].successors.push_back(to->second);
  for (NodeId home : homes_) {
    const auto found = definitions_.find(home);
    Node& node = program_.nodes[home];
    if (found == definitions_.end()) {
      node.kind = Kind::parameter;
      continue;
    }
    node.operands = found->second;
    node.kind = found->second.size() == 1 ? Kind::copy : Kind::phi;
    const Node& first = program_.nodes[found->second[0]];
    node.type = first.type;
    node.block = program_.nodes[found->second.back()].block;
  }
}

}  // namespace crucible::novelty::ptx
