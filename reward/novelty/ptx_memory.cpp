#include <algorithm>
#include <cstdlib>

#include "reward/novelty/hashing.h"
#include "reward/novelty/ptx_kernel.h"
#include "reward/novelty/ptx_text.h"

/// Loads, stores, atomics, asynchronous copies, and calls through parameter space.
namespace crucible::novelty::ptx {

void KernelReader::memory(const std::vector<std::string_view>& words, const std::vector<std::string_view>& parts,
                          Type type) {
  const auto has = [&](std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); };
  const std::string_view op = words[0];
  if (op == "prefetch" || op == "tex") {
    program_.operation(op, Type::none, false, {}, block_, line_);
    return;
  }
  if (op == "cp" && (has("commit_group") || has("wait_group") || has("wait_all"))) {
    program_.operation("cp.wait", Type::none, false, {}, block_, line_);
    return;
  }
  const auto access = [&](Kind kind, std::string_view where, std::vector<NodeId> operands, std::string_view name) {
    std::int64_t offset = 0;
    Node node;
    node.address = pointer(where, offset);
    if (node.address == kNone) return kNone;
    node.kind = kind;
    node.type = type;
    node.vector = has("v2") || has("v4") || has("v8") || op == "ldmatrix" || op == "cp";
    node.block = block_;
    node.line = line_;
    node.label = name.empty() ? 0 : hash_text(name);
    node.space = has("param") || has("const") ? 3 : 0;
    node.offset = offset;
    node.operands = std::move(operands);
    return program_.add(std::move(node));
  };
  if (op == "ld" || op == "ldu" || op == "ldmatrix") {
    if (parts.size() < 2) return;
    if (has("param")) {  // a kernel's parameter is where slices end; a function's is what it is called with
      std::string_view name = trimmed(parts[1]);
      name = name.substr(1, name.find_first_of("+]") - 1);
      if (const auto result = passed_.find(std::string(name)); result != passed_.end())
        return write(parts[0], result->second);
      Node node;
      node.kind = Kind::parameter;
      node.type = type;
      node.block = block_;
      const NodeId id = program_.add(std::move(node));
      write(parts[0], id);
      const std::size_t at = name.rfind("_param_");
      const unsigned long index =
          at == std::string_view::npos ? 256 : std::strtoul(std::string(name.substr(at + 7, 4)).c_str(), nullptr, 10);
      auto& parameters = program_.functions[function_].parameters;
      if (index < 256) {
        if (parameters.size() <= index) parameters.resize(index + 1, kNone);
        parameters[index] = id;
      }
      return;
    }
    const NodeId id = access(Kind::load, parts[1], {}, op == "ldmatrix" ? "ldmatrix" : "");
    if (parts[0].starts_with("{"))
      for (std::string_view one : separated(parts[0].substr(1, parts[0].size() - 2))) write(one, id);
    else
      write(parts[0], id);
    return;
  }
  if (op == "st" || op == "stmatrix") {
    if (parts.size() < 2) return;
    const NodeId value = operand(parts[1], type);
    if (has("param")) {
      std::string_view name = trimmed(parts[0]);
      name = name.substr(1, name.find_first_of("+]") - 1);
      if (name.starts_with("func_retval"))
        program_.functions[function_].returns.push_back(value);
      else
        passed_[std::string(name)] = value;
      return;
    }
    access(Kind::store, parts[0], {value}, "");
    return;
  }
  if (op == "atom" || op == "red") {
    const bool returns = op == "atom";
    if (parts.size() < (returns ? 3u : 2u)) return;
    const NodeId value = operand(parts[returns ? 2 : 1], type);
    const NodeId id = access(Kind::store, parts[returns ? 1 : 0], {value}, "atomic");
    if (returns && id != kNone)
      write(parts[0], program_.operation("atomic.result", type, false, {value}, block_, line_));
    return;
  }
  if (op == "cp" && parts.size() >= 2) {
    const std::string_view name = has("bulk") ? "cp.bulk" : "cp.async";
    const NodeId from = access(Kind::load, parts[1], {}, name);
    if (from != kNone) access(Kind::store, parts[0], {from}, name);
    return;
  }
  program_.operation(op, type, true, {}, block_, line_);
}

/// `call.uni (retval0), name, (param0, param1)`
void KernelReader::call(const std::vector<std::string_view>& parts) {
  const auto names = [](std::string_view list) {
    return separated(list.size() > 2 ? list.substr(1, list.size() - 2) : std::string_view());
  };
  std::size_t at = 0;
  std::string result;
  if (at < parts.size() && parts[at].starts_with("(")) {
    const auto results = names(parts[at++]);
    if (!results.empty()) result = std::string(results[0]);
  }
  if (at >= parts.size()) return;
  PendingCall call;
  call.function = function_;
  call.block = block_;
  call.callee = std::string(parts[at++]);
  if (at < parts.size() && parts[at].starts_with("("))
    for (std::string_view name : names(parts[at])) {
      const auto value = passed_.find(std::string(name));
      call.arguments.push_back(value == passed_.end() ? kNone : value->second);
    }
  Node node;
  node.kind = Kind::call;
  node.block = block_;
  node.line = line_;
  node.label = hash_text("call");
  call.result = program_.add(std::move(node));
  if (!result.empty()) passed_[result] = call.result;
  module_.calls.push_back(std::move(call));
}

}  // namespace crucible::novelty::ptx
