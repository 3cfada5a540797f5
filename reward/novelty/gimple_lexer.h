#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

/// Statements and words of gcc's textual GIMPLE (`-fdump-tree-…-lineno`).
namespace crucible::novelty::gimple {

struct Word {
  enum class Kind : std::uint8_t { name, number, text, mark } kind = Kind::mark;
  std::string_view text;
  bool default_definition = false;  ///< a name followed by (D): the value on entry
};

struct Statement {
  std::vector<Word> words;
  std::int32_t line = 0;  ///< of the first location that is not in a system header
};

/// Cuts one statement (without its ';') into words. Locations `[file:line:column]` and probabilities vanish.
Statement read_statement(std::string_view text);

/// Takes the next statement, label or brace line of a function's body from the front of `text`, quotes respected: a
/// statement ends with ';', anything else with the line.
std::string_view next_statement(std::string_view& text);

/// Whether the name is of an SSA value (`x_12`, `_7`), and where its version begins.
bool is_value_name(std::string_view name);

}  // namespace crucible::novelty::gimple
