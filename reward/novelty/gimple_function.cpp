#include "reward/novelty/gimple_function.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <tuple>

#include "reward/novelty/hashing.h"

namespace crucible::novelty::gimple {
namespace {

bool is_mark(const Word& word, std::string_view text) { return word.kind == Word::Kind::mark && word.text == text; }

/// The mark that closes the bracket at `open`, or `end`.
const Word* closing(const Word* open, const Word* end) {
  int depth = 0;
  for (const Word* w = open; w < end; ++w) {
    if (w->kind != Word::Kind::mark) continue;
    if (w->text == "(" || w->text == "[" || w->text == "{") ++depth;
    if ((w->text == ")" || w->text == "]" || w->text == "}") && --depth == 0) return w;
  }
  return end;
}

double number(std::string_view text) { return std::strtod(std::string(text.substr(0, 40)).c_str(), nullptr); }

/// The variable that a value is a version of.
std::string_view stem(std::string_view name) { return name.substr(0, name.rfind('_')); }

}  // namespace

std::string joined(const Word* begin, const Word* end) {
  std::string out;
  for (const Word* w = begin; w < end; ++w) {
    if (w != begin && w->kind == Word::Kind::name && (w - 1)->kind == Word::Kind::name) out += ' ';
    out += w->text;
  }
  return out;
}

std::pair<Type, bool> type_named(std::string_view text) {
  const auto has = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
  if (has("*") || has("&") || has("nullptr_t")) return {Type::pointer, false};
  const bool vector = has("vector(") || has("__m128") || has("__m256") || has("__m512") || has("__v") || has("_t vect");
  Type type = Type::opaque;
  // What memcpy moves in one piece is of no type of its own.
  if (has("int128_t") || has("int256_t") || has("int512_t")) return {Type::opaque, false};
  if (has("bf16") || has("128bh") || has("256bh") || has("512bh"))
    type = Type::bf16;
  else if (has("_Float16") || has("__m128h") || has("__m256h") || has("__m512h"))
    type = Type::f16;
  else if (has("double") || has("__m128d") || has("__m256d") || has("__m512d"))
    type = Type::f64;
  else if (has("__m128i") || has("__m256i") || has("__m512i"))
    type = Type::integer;
  else if (has("float") || has("__m128") || has("__m256") || has("__m512"))
    type = Type::f32;
  else if (has("bool"))
    type = Type::boolean;
  else if (has("int") || has("char") || has("short") || has("long") || has("sizetype") || has("size_t") ||
           has("unsigned") || has("__mmask") || has("ptrdiff") || has("difference_type") || has("size_type"))
    type = Type::integer;
  return {type, vector};
}

void FunctionReader::read(std::string_view signature, std::string_view body) {
  parameters(signature);
  while (!body.empty()) {
    const std::string_view text = next_statement(body);
    if (text.empty()) continue;
    if (block_ == kNone && !text.starts_with("<bb "))
      declare(text);
    else
      statement(text);
  }
  for (const auto& [from, label] : label_jumps_)
    if (const auto to = labels_.find(label); to != labels_.end()) {
      auto& successors = program().blocks[from].successors;
      if (std::find(successors.begin(), successors.end(), to->second) == successors.end())
        successors.push_back(to->second);
    }
}

void FunctionReader::parameters(std::string_view signature) {
  const std::size_t open = signature.rfind('(');
  if (open == std::string_view::npos) return;
  std::string_view list = signature.substr(open + 1);
  std::uint32_t index = 0;
  while (!list.empty() && index < 256) {
    std::size_t end = list.find_first_of(",)");
    if (end == std::string_view::npos) end = list.size();
    const std::string_view one = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const std::size_t last = one.find_last_of(" *&");
    if (last == std::string_view::npos) continue;
    const std::string_view name = one.substr(last + 1);
    types_[name] = type_from(one.substr(0, last + 1));
    printed_[name] = one.substr(0, last + 1);
    parameter_index_[name] = index++;
  }
}

void FunctionReader::declare(std::string_view text) {
  const std::size_t bracket = text.find('[');
  std::string_view head = text.substr(0, bracket);
  while (head.ends_with(' ')) head.remove_suffix(1);
  const std::size_t last = head.find_last_of(" *&");
  if (last == std::string_view::npos) return;
  const std::string_view name = head.substr(last + 1);
  if (name.empty() || types_.size() > kMostNodes) return;
  // Variables of inlined functions may share a name; what their uses say decides then.
  const auto type = type_from(head.substr(0, last + 1));
  if (const auto [at, fresh] = types_.emplace(name, type); !fresh && at->second != type)
    at->second = {Type::opaque, false};
  if (const auto [at, fresh] = printed_.emplace(name, head.substr(0, last + 1));
      !fresh && at->second != head.substr(0, last + 1))
    at->second = {};
  const bool is_array = bracket != std::string_view::npos;
  if (is_array || !is_value_name(name)) {
    double elements = 1;
    for (std::size_t at = bracket; at != std::string_view::npos; at = text.find('[', at + 1))
      elements *= std::max(1.0, number(text.substr(at + 1)));
    object_elements_[name] = static_cast<std::uint32_t>(std::min(elements, 1e9));
    objects_[name] = kNone;  // made an object when it is used as one
    if (head.starts_with("static")) {
      object(name);
      program().objects[objects_[name]].is_static = true;
      program().objects[objects_[name]].owner = kNone;
    }
  }
}

bool FunctionReader::is_value(const Word& word) const {
  if (word.kind != Word::Kind::name || !is_value_name(word.text)) return false;
  return word.default_definition || values_.count(word.text) != 0 || objects_.count(word.text) == 0;
}

std::pair<Type, bool> FunctionReader::type_from(std::string_view text) const {
  auto named = type_named(text);
  if (named.first != Type::opaque) return named;
  while (!text.empty()) {  // a word that the author gave a meaning
    const std::size_t end = std::min(text.find_first_of(" &"), text.size());
    if (const auto alias = shared_.aliases.find(std::string(text.substr(0, end))); alias != shared_.aliases.end())
      return alias->second;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return named;
}

std::pair<Type, bool> FunctionReader::type_of(std::string_view name) const {
  auto found = types_.find(name);
  if (found == types_.end() && is_value_name(name)) found = types_.find(stem(name));
  return found == types_.end() ? std::pair{Type::opaque, false} : found->second;
}

NodeId FunctionReader::value(std::string_view name, bool default_definition) {
  const auto [at, fresh] = values_.emplace(name, static_cast<NodeId>(program().nodes.size()));
  if (!fresh) return at->second;
  if (program().nodes.size() >= kMostNodes) throw std::runtime_error("the compiled code is too large to analyse");
  Node node;  // filled when its definition is read
  node.kind = Kind::parameter;
  node.block = block_;
  std::tie(node.type, node.vector) = type_of(name);
  program().nodes.push_back(node);
  if (default_definition)
    if (const auto index = parameter_index_.find(stem(name)); index != parameter_index_.end()) {
      auto& list = program().functions[function_].parameters;
      if (list.size() <= index->second) list.resize(index->second + 1, kNone);
      list[index->second] = at->second;
    }
  return at->second;
}

void FunctionReader::define(std::string_view name, NodeId from) {
  if (from == kNone) return;
  const NodeId id = value(name, false);
  if (id == from) return;
  Node& node = program().nodes[id];
  node.kind = Kind::copy;
  node.block = block_;
  node.line = line_;
  node.operands = {from};
  program().blocks[block_].nodes.push_back(id);
}

NodeId FunctionReader::operand(const Word* begin, const Word* end) {
  while (begin < end && is_mark(*begin, "(") && closing(begin, end) == end - 1) ++begin, --end;
  if (begin >= end) return kNone;
  double sign = 1;
  if (end - begin == 2 && (is_mark(*begin, "-") || is_mark(*begin, "+"))) {
    sign = begin->text == "-" ? -1 : 1;
    ++begin;
  }
  if (end - begin == 1) {
    if (is_value(*begin)) return value(begin->text, begin->default_definition);
    if (begin->text == "Inf" || begin->text == "Nan" || begin->text == "QNan" || begin->text == "SNan")
      return program().constant(sign * HUGE_VAL, Type::f32, block_);
    if (begin->kind == Word::Kind::number) {
      const bool real = begin->text.find_first_of(".e") != std::string_view::npos && !begin->text.starts_with("0x");
      return program().constant(sign * number(begin->text), real ? Type::f32 : Type::integer, block_);
    }
  }
  if (is_mark(*begin, "&")) return address(reference(begin + 1, end));
  if (is_mark(*begin, "{")) {
    const auto parts = operands(begin + 1, end - 1);
    const bool constants =
        std::all_of(parts.begin(), parts.end(), [&](NodeId id) { return program().nodes[id].kind == Kind::constant; });
    return constants ? program().constant(parts.empty() ? 0 : program().nodes[parts[0]].value, Type::opaque, block_)
                     : program().operation("build", Type::opaque, true, parts, block_, line_);
  }
  if (begin->kind == Word::Kind::text) return program().constant(0, Type::pointer, block_);
  if (begin->kind == Word::Kind::name && end - begin == 1 && objects_.count(begin->text) == 0) {
    const bool is_function = shared_.functions.count(std::string(begin->text)) != 0;
    if (is_function) return program().operation("function", Type::pointer, false, {}, block_, line_);
  }
  return load(reference(begin, end), Type::opaque, false);
}

std::vector<std::string> FunctionReader::printed_types(const Word* begin, const Word* end) const {
  std::vector<std::string> out;
  for (const auto& [from, to] : arguments(begin, end)) {
    const bool address = is_mark(*from, "&");
    const Word* name = address ? from + 1 : from;
    std::string text;
    if (to - name == 1 && name->kind == Word::Kind::name) {
      auto found = printed_.find(name->text);
      if (found == printed_.end() && is_value_name(name->text)) found = printed_.find(stem(name->text));
      if (found != printed_.end()) text = std::string(found->second) + (address ? "*" : "");
    }
    out.push_back(std::move(text));
  }
  return out;
}

std::vector<std::pair<const Word*, const Word*>> FunctionReader::arguments(const Word* begin, const Word* end) const {
  std::vector<std::pair<const Word*, const Word*>> out;
  const Word* from = begin;
  int depth = 0;
  for (const Word* w = begin; w < end; ++w) {
    if (w->kind != Word::Kind::mark) continue;
    if (w->text == "(" || w->text == "[" || w->text == "{") ++depth;
    if (w->text == ")" || w->text == "]" || w->text == "}") --depth;
    if (w->text == "," && depth == 0) {
      out.emplace_back(from, w);
      from = w + 1;
    }
  }
  if (from < end) out.emplace_back(from, end);
  return out;
}

std::vector<NodeId> FunctionReader::operands(const Word* begin, const Word* end) {
  std::vector<NodeId> out;
  for (const auto& [from, to] : arguments(begin, end))
    if (const NodeId id = operand(from, to); id != kNone) out.push_back(id);
  return out;
}

}  // namespace crucible::novelty::gimple
