#include <algorithm>
#include <string>

#include "reward/novelty/gimple_function.h"
#include "reward/novelty/operations.h"

/// Inline assembly, instruction by instruction, so that a loop body written in it means what its C++ form means.
namespace crucible::novelty::gimple {
namespace {

bool is_mark(const Word& word, std::string_view text) { return word.kind == Word::Kind::mark && word.text == text; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Operands of an instruction: commas inside brackets and braces do not separate.
std::vector<std::string_view> separated(std::string_view text) {
  std::vector<std::string_view> out;
  int depth = 0;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= text.size() && out.size() < 8; ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if ((c == ',' && depth <= 0) || i == text.size()) {
      out.push_back(trimmed(text.substr(from, i - from)));
      from = i + 1;
    }
  }
  if (out.size() == 1 && out[0].empty()) out.clear();
  return out;
}

/// `%0`, `%k1`, `%[name]` and a register's name without its decorations (masks, zeroing).
std::string place(std::string_view operand) {
  std::string out;
  for (char c : operand) {
    if (c == '{') break;
    if (c != '*' && c != '$' && c != ' ') out += c;
  }
  while (out.starts_with("%%")) out.erase(0, 1);
  return out;
}

/// The x86 builtin that an instruction corresponds to, as meaning_of knows it: v and suffixes do not matter there.
std::string builtin_of(std::string_view mnemonic) {
  if (mnemonic.starts_with("vfm") || mnemonic.starts_with("vfnm")) return "__builtin_ia32_" + std::string(mnemonic);
  if (mnemonic.starts_with("v") && mnemonic.size() > 2) mnemonic.remove_prefix(1);
  return "__builtin_ia32_" + std::string(mnemonic);
}

}  // namespace

void FunctionReader::assembly(const Words& words) {
  // __asm__ __volatile__("template" : outputs : inputs : clobbers)
  const Word* end = words.data() + words.size();
  const Word* open = std::find_if(words.data(), end, [](const Word& w) { return is_mark(w, "("); });
  if (open == end || open + 1 == end || (open + 1)->kind != Word::Kind::text) return;
  const std::string_view quoted = (open + 1)->text;
  std::vector<std::vector<std::pair<const Word*, const Word*>>> sections;
  int depth = 0;
  const Word* from = nullptr;
  const auto close_section = [&](const Word* to) {
    if (from != nullptr) sections.push_back(arguments(from, to));
  };
  for (const Word* w = open + 2; w < end; ++w) {
    if (w->kind != Word::Kind::mark) continue;
    if (w->text == "(" || w->text == "[" || w->text == "{") ++depth;
    if (w->text == ")" && depth == 0) {
      close_section(w);
      from = nullptr;
      break;
    }
    if (w->text == ")" || w->text == "]" || w->text == "}") --depth;
    if (depth == 0 && (w->text == ":" || w->text == "::")) {
      close_section(w);
      from = w + 1;
      if (w->text == "::") sections.emplace_back();
    }
  }

  std::unordered_map<std::string, NodeId> at;  // what a register or an operand holds
  std::vector<std::pair<std::string, const Word*>> outputs;
  std::vector<NodeId> inputs;
  std::size_t index = 0;
  for (std::size_t section = 0; section < std::min<std::size_t>(sections.size(), 2); ++section)
    for (const auto& [first, last] : sections[section]) {
      const Word* constraint = std::find_if(first, last, [](const Word& w) { return w.kind == Word::Kind::text; });
      if (constraint == last) continue;
      const std::string name = "%" + std::to_string(index++);
      std::string symbolic;
      if (is_mark(*first, "[") && first + 1 != last) symbolic = "%[" + std::string((first + 1)->text) + "]";
      if (section == 0) {
        if (constraint + 1 != last && is_value(*(constraint + 1))) outputs.emplace_back(name, constraint + 1);
        if (!symbolic.empty()) outputs.emplace_back(symbolic, outputs.empty() ? nullptr : outputs.back().second);
        continue;
      }
      const NodeId id = operand(constraint + 1, last);
      if (id == kNone) continue;
      inputs.push_back(id);
      at[name] = id;
      if (!symbolic.empty()) at[symbolic] = id;
      // A matching constraint: "0" begins where output 0 is.
      if (constraint->text.size() == 3 && constraint->text[1] >= '0' && constraint->text[1] <= '9')
        at["%" + std::string(constraint->text.substr(1, 1))] = id;
    }

  NodeId last_result = kNone;
  bool empty = true;
  const auto pointer_in = [&](std::string_view text) {
    for (const auto& [name, id] : at)
      if (text.find(name) != std::string_view::npos) return id;
    return kNone;
  };
  std::string body(quoted.substr(1, quoted.size() > 1 ? quoted.size() - 2 : 0));
  for (std::size_t i = 0; i + 1 < body.size(); ++i)
    if (body[i] == '\\' && (body[i + 1] == 'n' || body[i + 1] == 't'))
      body[i] = body[i + 1] == 'n' ? '\n' : ' ', body[i + 1] = ' ';
  int instructions = 0;
  for (std::size_t begin = 0; begin < body.size() && instructions < 512;) {
    const std::size_t stop = std::min(body.find_first_of("\n;", begin), body.size());
    const std::string_view line = trimmed(std::string_view(body).substr(begin, stop - begin));
    begin = stop + 1;
    if (line.empty() || line.ends_with(':') || line.starts_with('.') || line.starts_with('#')) continue;
    empty = false;
    ++instructions;
    const std::size_t space = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view mnemonic = line.substr(0, space);
    const std::vector<std::string_view> parts = separated(line.substr(space));
    if (parts.empty()) continue;
    std::vector<NodeId> sources;
    const bool to_memory = parts.back().find('(') != std::string_view::npos;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool memory = parts[i].find('(') != std::string_view::npos;
      if (i + 1 == parts.size() && to_memory) break;
      if (memory) {
        if (const NodeId pointer = pointer_in(parts[i]); pointer != kNone)
          sources.push_back(load(at_pointer(pointer), Type::f32, mnemonic.find("ps") != std::string_view::npos));
      } else if (const auto held = at.find(place(parts[i])); held != at.end()) {
        if (i + 1 < parts.size() || !mnemonic.starts_with("v") || mnemonic.starts_with("vfm"))
          sources.push_back(held->second);
      }
    }
    const std::string callee = builtin_of(mnemonic);
    const Meaning meaning = meaning_of(callee);
    NodeId result = sources.empty() ? kNone : sources.front();
    const bool packed = mnemonic.find("ps") != std::string_view::npos || mnemonic.find("pd") != std::string_view::npos;
    const Type type = mnemonic.ends_with("d") && !mnemonic.ends_with("rd") ? Type::f64 : Type::f32;
    if (meaning.shape == Meaning::Shape::fused && sources.size() >= 2) {
      result = program().operation("mul", type, packed, {sources[0], sources[1]}, block_, line_);
      if (meaning.negate_product) result = program().operation("neg", type, packed, {result}, block_, line_);
      std::vector<NodeId> terms{result};
      if (sources.size() > 2) terms.push_back(sources[2]);
      result = program().operation("add", type, packed, std::move(terms), block_, line_);
    } else if (meaning.shape == Meaning::Shape::operation && !mnemonic.starts_with("mov") &&
               !mnemonic.starts_with("vmov")) {
      result = program().operation(meaning.name, type, packed, sources, block_, line_);
    }
    if (result == kNone) continue;
    last_result = result;
    if (to_memory) {
      if (const NodeId pointer = pointer_in(parts.back()); pointer != kNone) store(at_pointer(pointer), result, false);
    } else {
      at[place(parts.back())] = result;
    }
  }
  for (const auto& [name, word] : outputs) {
    if (word == nullptr || name.starts_with("%[")) continue;
    NodeId id = last_result;
    if (const auto held = at.find(name); held != at.end()) id = held->second;
    if (id == kNone && empty && !inputs.empty()) id = inputs.front();
    if (id == kNone) id = program().operation("vector.other", Type::opaque, false, inputs, block_, line_);
    define(word->text, id);
  }
}

}  // namespace crucible::novelty::gimple
