#include "reward/novelty/gimple_lexer.h"

#include <algorithm>

namespace crucible::novelty::gimple {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (c & 0x80) != 0;
}
bool is_name(char c) { return is_name_start(c) || is_digit(c) || c == '.'; }

/// `[file:line:column]` at `at`: its length, and the line when the file is the author's; 0 when it is something else.
std::size_t location(std::string_view text, std::size_t at, std::int32_t& line) {
  const std::size_t end = text.find(']', at);
  if (end == std::string_view::npos || end - at > 512) return 0;
  const std::string_view inside = text.substr(at + 1, end - at - 1);
  if (inside.ends_with('%')) return end - at + 1;  // a probability
  if (inside.find(':') == std::string_view::npos) return 0;
  if (inside.find("count") != std::string_view::npos) return end - at + 1;
  if (inside == "0:0") return end - at + 1;  // nowhere
  const std::size_t column = inside.rfind(':');
  if (column == 0 || column + 1 >= inside.size() || !is_digit(inside[column + 1])) return 0;
  const std::size_t row = inside.rfind(':', column - 1);
  if (row == std::string_view::npos || !is_digit(inside[row + 1])) return 0;
  const std::string_view file = inside.substr(0, row);
  if (line == 0 && !file.starts_with("/usr/") && !file.ends_with("crucible/kernel.h")) {
    std::int32_t value = 0;
    for (std::size_t i = row + 1; i < column && is_digit(inside[i]) && value < 100000000; ++i)
      value = value * 10 + (inside[i] - '0');
    line = value;
  }
  return end - at + 1;
}

/// Where a value's name ends and a field's begins: `in_23.strides`. npos when nothing is to be cut.
std::size_t field_cut(std::string_view name) {
  for (std::size_t dot = name.find('.', 1); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    if (dot + 1 >= name.size() || is_digit(name[dot + 1])) continue;
    std::size_t digits = dot;
    while (digits > 0 && is_digit(name[digits - 1])) --digits;
    if (digits < dot && digits > 0 && name[digits - 1] == '_') return dot;
  }
  return std::string_view::npos;
}

}  // namespace

bool is_value_name(std::string_view name) {
  std::size_t digits = name.size();
  while (digits > 0 && is_digit(name[digits - 1])) --digits;
  return digits < name.size() && digits > 0 && name[digits - 1] == '_';
}

Statement read_statement(std::string_view text) {
  static constexpr std::string_view kMarks[] = {"->", "<<", ">>", "<=", ">=", "==", "!=", "::", "&&", "||"};
  Statement out;
  std::size_t at = 0;
  while (at < text.size() && out.words.size() < 4096) {
    const char c = text[at];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at;
      continue;
    }
    if (c == '[')
      if (const std::size_t length = location(text, at, out.line); length > 0) {
        at += length;
        continue;
      }
    Word word;
    std::size_t end = at + 1;
    if (c == '"') {
      while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, text.size());
      word.kind = Word::Kind::text;
    } else if (is_name_start(c) || (c == '.' && at + 1 < text.size() && is_name_start(text[at + 1]))) {
      while (end < text.size() && is_name(text[end])) ++end;
      const std::size_t cut = field_cut(text.substr(at, end - at));
      if (cut != std::string_view::npos) end = at + cut;
      word.kind = Word::Kind::name;
    } else if (is_digit(c)) {
      while (end < text.size() &&
             (is_name(text[end]) || ((text[end] == '+' || text[end] == '-') && text[end - 1] == 'e')))
        ++end;
      word.kind = Word::Kind::number;
    } else {
      for (std::string_view mark : kMarks)
        if (text.substr(at, 2) == mark) end = at + 2;
    }
    word.text = text.substr(at, end - at);
    if (word.kind == Word::Kind::name && text.substr(end, 3) == "(D)") {
      word.default_definition = true;
      end += 3;
    }
    out.words.push_back(word);
    at = end;
  }
  return out;
}

std::string_view next_statement(std::string_view& text) {
  for (;;) {
    std::size_t begin = 0;
    while (begin < text.size() && (text[begin] == ' ' || text[begin] == '\n' || text[begin] == '\t')) ++begin;
    text.remove_prefix(begin);
    if (text.empty()) return {};
    if (text[0] != '[') break;  // a probability after a goto
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || end > 16 || text[end - 1] != '%') break;
    text.remove_prefix(end + 1);
  }
  // Comments of the dump, phis, block headers, conditions and braces end with their line.
  const bool one_line = text[0] == ';' || text[0] == '#' || text[0] == '<' || text[0] == '}' || text[0] == '{' ||
                        text.starts_with("switch") || text.starts_with("resx") || text.starts_with("eh_dispatch");
  bool quoted = false;
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    const char c = text[end];
    if (quoted) {
      if (c == '\\') ++end;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"' && !one_line) quoted = true;
    if (c == '\n' || (c == ';' && !one_line)) break;
  }
  end = std::min(end, text.size());
  const std::string_view statement = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return statement;
}

}  // namespace crucible::novelty::gimple
