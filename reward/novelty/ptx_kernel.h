#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reward/novelty/program.h"

namespace crucible::novelty::ptx {

/// A call, to be joined to its function when all are read.
struct PendingCall {
  std::uint32_t function = 0;
  std::uint32_t block = 0;
  std::string callee;
  NodeId result = kNone;
  std::vector<NodeId> arguments;
};

/// What all functions of one module share.
struct Module {
  Program program;
  std::unordered_map<std::string, std::uint32_t> objects;
  std::vector<PendingCall> calls;
};

/// One entry or device function.
class KernelReader {
 public:
  KernelReader(Module& module, std::uint32_t function)
      : module_(module), program_(module.program), function_(function), objects_(module.objects) {}

  void read(std::string_view body);

 private:
  void begin_block();

  void label(std::string_view name);

  /// `.loc FILE LINE COLUMN`: file 1 is the candidate; inlined headers name where they were inlined.
  void locate(std::string_view line);

  /// A register's value, whoever wrote it: definitions are joined when all are read.
  NodeId reg(std::string_view name);

  void write(std::string_view name, NodeId value);

  NodeId operand(std::string_view text, Type type);

  std::uint32_t object(std::string_view name);

  /// `[%rd1+16]` and `[symbol]`: the pointer, and the constant added to it.
  NodeId pointer(std::string_view text, std::int64_t& offset);

  void instruction(std::string_view text);
  void memory(const std::vector<std::string_view>& words, const std::vector<std::string_view>& parts, Type type);
  void join();

  void call(const std::vector<std::string_view>& parts);

  Module& module_;
  Program& program_;
  std::uint32_t function_, block_ = 0;
  std::unordered_map<std::string, std::uint32_t>& objects_;
  std::unordered_map<std::string, std::uint32_t> labels_;
  std::unordered_map<std::string, NodeId> registers_;
  std::unordered_map<NodeId, std::vector<NodeId>> definitions_;
  std::vector<NodeId> homes_;
  std::unordered_map<std::string, NodeId> passed_;  ///< parameter space of calls: what was stored there last
  std::vector<std::pair<std::uint32_t, std::string>> jumps_;
  std::int32_t line_ = 0;
  bool open_ = true;
};

}  // namespace crucible::novelty::ptx
