#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reward/novelty/gimple_lexer.h"
#include "reward/novelty/operations.h"
#include "reward/novelty/program.h"

namespace crucible::novelty::gimple {

/// A call of a name, to be joined to functions of the program when all are read.
struct PendingCall {
  std::uint32_t function = 0;
  std::uint32_t block = 0;
  std::string callee;
  NodeId result = kNone;
  std::vector<NodeId> arguments;
  std::vector<std::string> types;  ///< of the arguments, as printed; empty where unknown
};

/// What all functions of one dump share.
struct Shared {
  Program program;
  std::unordered_map<std::string, std::uint32_t> globals;                 ///< objects by name
  std::unordered_map<std::string, std::vector<std::uint32_t>> functions;  ///< by printed name and by assembler name
  std::vector<PendingCall> calls;
  std::unordered_map<std::string, std::pair<Type, bool>> aliases;  ///< the author's names of types
  std::vector<std::string> signatures;                             ///< by function
};

/// Words joined as they are printed in a call and in a function's headline.
std::string joined(const Word* begin, const Word* end);

/// Reads one function's body into the shared program.
class FunctionReader {
 public:
  FunctionReader(Shared& shared, std::uint32_t function) : shared_(shared), function_(function) {}

  void read(std::string_view signature, std::string_view body);

 private:
  using Words = std::vector<Word>;
  struct Reference {  ///< a place in memory
    NodeId base = kNone;
    std::uint32_t object = kNone;
    NodeId index = kNone;
    std::int64_t offset = 0;
    std::uint64_t field = 0;
    std::pair<Type, bool> pointee{Type::opaque, false};  ///< what the text says lies there
  };

  Program& program() { return shared_.program; }
  void declare(std::string_view statement);
  void parameters(std::string_view signature);
  void statement(std::string_view text);
  void flow(const Words& words);
  void phi(const Words& words);
  void assignment(const Words& words, std::size_t equals);
  NodeId right_side(const Word* begin, const Word* end, Type type, bool vector);
  NodeId call_value(const Word* begin, const Word* open, const Word* end, Type type, bool vector);
  NodeId named_expression(std::string_view name, const Word* begin, const Word* end, Type type, bool vector);
  void assembly(const Words& words);

  NodeId value(std::string_view name, bool default_definition);
  NodeId operand(const Word* begin, const Word* end);
  std::vector<NodeId> operands(const Word* begin, const Word* end);
  std::vector<std::string> printed_types(const Word* begin, const Word* end) const;
  std::vector<std::pair<const Word*, const Word*>> arguments(const Word* begin, const Word* end) const;
  bool is_value(const Word& word) const;
  std::uint32_t object(std::string_view name);
  Reference reference(const Word* begin, const Word* end);
  NodeId load(const Reference& from, Type type, bool vector);
  NodeId store(const Reference& to, NodeId value, bool is_volatile);
  NodeId address(const Reference& of);
  Reference at_pointer(NodeId pointer) const;
  void define(std::string_view name, NodeId from);
  std::pair<Type, bool> type_from(std::string_view text) const;
  std::pair<Type, bool> type_of(std::string_view name) const;
  std::uint32_t block(std::string_view number);
  void branch(std::uint32_t to);

  Shared& shared_;
  std::uint32_t function_;
  std::uint32_t block_ = kNone;
  std::int32_t line_ = 0;
  bool open_ = false;  ///< the current block falls through so far
  std::unordered_map<std::string_view, std::pair<Type, bool>> types_;
  std::unordered_map<std::string_view, std::string_view> printed_;  ///< types of declared names
  std::unordered_map<std::string_view, std::uint32_t> object_elements_;
  std::unordered_map<std::string_view, std::uint32_t> objects_, blocks_, labels_;
  std::unordered_map<std::string_view, NodeId> values_;
  std::unordered_map<std::string_view, std::uint32_t> parameter_index_;
  std::vector<std::pair<std::uint32_t, std::string_view>> label_jumps_;
};

/// The kind of value a printed type names.
std::pair<Type, bool> type_named(std::string_view text);

}  // namespace crucible::novelty::gimple
