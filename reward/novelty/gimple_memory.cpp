#include <algorithm>
#include <cstdlib>
#include <tuple>

#include "reward/novelty/gimple_function.h"
#include "reward/novelty/hashing.h"

/// Places in memory: named objects, what a pointer points to, loads and stores.
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

}  // namespace

std::uint32_t FunctionReader::object(std::string_view name) {
  auto local = objects_.find(name);
  if (local == objects_.end()) {  // `.omp_data_o.4.g`: the longest declared name in front of a field
    for (std::size_t dot = name.rfind('.'); dot != std::string_view::npos && dot > 0; dot = name.rfind('.', dot - 1))
      if (local = objects_.find(name.substr(0, dot)); local != objects_.end()) break;
  }
  std::vector<Object>& all = program().objects;
  if (local == objects_.end()) {  // a structure passed by value: what is passed is stored whole
    std::string_view whole = name;
    while (parameter_index_.count(whole) == 0 && whole.rfind('.') != std::string_view::npos && whole.rfind('.') > 0)
      whole = whole.substr(0, whole.rfind('.'));
    if (const auto index = parameter_index_.find(whole); index != parameter_index_.end()) {
      const auto id = static_cast<std::uint32_t>(all.size());
      objects_[whole] = id;
      all.emplace_back();
      all.back().owner = function_;
      Node passed;
      passed.kind = Kind::parameter;
      passed.type = Type::opaque;
      passed.block = block_;
      const NodeId value = program().add(std::move(passed));
      auto& list = program().functions[function_].parameters;
      if (list.size() <= index->second) list.resize(index->second + 1, kNone);
      list[index->second] = value;
      Reference to;
      to.object = id;
      const NodeId stored = store(to, value, false);
      program().nodes[stored].indexed = true;  // whatever field is read
      return id;
    }
  }
  if (local != objects_.end()) {
    if (local->second == kNone) {
      local->second = static_cast<std::uint32_t>(all.size());
      all.emplace_back();
      all.back().elements = object_elements_[local->first];
      all.back().owner = function_;
    }
    return local->second;
  }
  const std::string global(name.substr(0, name.find('.', 1)));
  const auto [at, fresh] = shared_.globals.emplace(global, static_cast<std::uint32_t>(all.size()));
  if (fresh) {
    all.emplace_back();
    all.back().is_static = true;
  }
  return at->second;
}

FunctionReader::Reference FunctionReader::at_pointer(NodeId pointer) const {
  Reference out;
  out.base = pointer;
  return out;
}

FunctionReader::Reference FunctionReader::reference(const Word* begin, const Word* end) {
  Reference out;
  if (begin < end && begin->text == "VIEW_CONVERT_EXPR") {  // VIEW_CONVERT_EXPR<float[16]>(*_3)[_5]
    const Word* open = std::find_if(begin, end, [](const Word& w) { return is_mark(w, ">"); });
    if (open == end || ++open == end || !is_mark(*open, "(")) return out;
    const Word* close = closing(open, end);
    if (close == end) return out;
    out = reference(open + 1, close);
    for (const Word* w = close + 1; w < end; ++w)
      if (is_value(*w)) out.index = value(w->text, w->default_definition);
    return out;
  }
  int brackets = 0;
  bool in_memory = false;  // between the brackets of MEM[…]
  std::uint64_t field = 0;
  std::string_view pointer;
  bool is_told = false;
  for (const Word* w = begin; w < end; ++w) {
    if (w->kind == Word::Kind::mark) {
      if (w->text == "[") ++brackets;
      if (w->text == "]") {
        --brackets;
        in_memory = in_memory && brackets > 0;
      }
      continue;
    }
    if (w->kind == Word::Kind::name && (w->text == "MEM" || w->text == "TARGET_MEM_REF")) {
      in_memory = true;
      if (w + 1 == end || !is_mark(*(w + 1), "<")) continue;
      std::string type;  // MEM <vector(8) float> [(char *)_3]: what is moved, not what is pointed to
      for (w += 2; w < end && !is_mark(*w, ">"); ++w) type.append(w->text).append(" ");
      out.pointee = type_from(type);
      is_told = true;
      if (w == end) break;
      continue;
    }
    const bool in_index = brackets > 0 && !in_memory;
    if (w->kind == Word::Kind::number) {
      const auto n = static_cast<std::int64_t>(number(w->text));
      const bool minus = w != begin && is_mark(*(w - 1), "-");
      if (in_index)
        field = combine(field, static_cast<std::uint64_t>(n) + 1);
      else if (in_memory && w->text.ends_with('B'))
        out.offset += minus ? -n : n;
      continue;
    }
    if (w->kind != Word::Kind::name) continue;
    if (is_value(*w)) {
      const NodeId id = value(w->text, w->default_definition);
      if (in_index)
        out.index = id;
      else if (out.base == kNone && out.object == kNone)
        out.base = id, pointer = w->text;
      else
        out.index = id;
      continue;
    }
    if (in_memory && !is_told && out.pointee.first == Type::opaque && brackets == 1 && w + 1 != end &&
        is_mark(*(w + 1), "*"))
      out.pointee = type_from(w->text);  // MEM[(const float *)_3]
    const bool addressed = w != begin && is_mark(*(w - 1), "&");
    const bool begins = out.base == kNone && out.object == kNone;
    if (begins && (addressed || !in_memory) && !(w + 1 != end && is_mark(*(w + 1), "*"))) {
      out.object = object(w->text);
      const std::size_t dot = w->text.rfind('.');
      if (dot != std::string_view::npos && dot > 0 && objects_.count(w->text) == 0)
        field = combine(field, hash_text(w->text.substr(dot + 1)));
    } else if (w->text.starts_with(".")) {
      field = combine(field, hash_text(w->text.substr(1)));
    } else if (w != begin && is_mark(*(w - 1), "->")) {
      field = combine(field, hash_text(w->text));
    }
  }
  out.field = field;
  if (field == 0 && out.pointee.first == Type::opaque && is_mark(*begin, "*")) {
    auto printed = printed_.find(pointer);
    if (printed == printed_.end() && is_value_name(pointer))
      printed = printed_.find(pointer.substr(0, pointer.rfind('_')));
    if (printed != printed_.end())
      if (const std::size_t star = printed->second.rfind('*'); star != std::string_view::npos)
        out.pointee = type_from(printed->second.substr(0, star));
  }
  return out;
}

NodeId FunctionReader::load(const Reference& from, Type type, bool vector) {
  if (from.base == kNone && from.object == kNone) return program().constant(0, type, block_);
  Node node;
  node.kind = Kind::load;
  std::tie(node.type, node.vector) = type == Type::opaque ? from.pointee : std::pair{type, vector};
  node.block = block_;
  node.line = line_;
  node.address = from.base;
  node.object = from.object;
  node.offset = from.offset ^ static_cast<std::int64_t>(from.field >> 1);
  node.indexed = from.index != kNone;
  if (from.index != kNone) node.operands.push_back(from.index);
  return program().add(std::move(node));
}

NodeId FunctionReader::store(const Reference& to, NodeId value, bool is_volatile) {
  if ((to.base == kNone && to.object == kNone) || value == kNone) return kNone;
  Node node;
  node.kind = Kind::store;
  node.type = program().nodes[value].type;
  node.vector = program().nodes[value].vector;
  node.block = block_;
  node.line = line_;
  node.address = to.base;
  node.object = to.object;
  node.offset = to.offset ^ static_cast<std::int64_t>(to.field >> 1);
  node.indexed = to.index != kNone;
  node.is_volatile = is_volatile;
  node.operands = {value};
  if (to.index != kNone) node.operands.push_back(to.index);
  return program().add(std::move(node));
}

NodeId FunctionReader::address(const Reference& of) {
  NodeId base = of.base;
  if (of.object != kNone) {
    Node node;
    node.kind = Kind::local;
    node.type = Type::pointer;
    node.block = block_;
    node.object = of.object;
    base = program().add(std::move(node));
  }
  if (base == kNone) return program().constant(0, Type::pointer, block_);
  if (of.index != kNone) return program().operation("add", Type::pointer, false, {base, of.index}, block_, line_);
  return base;
}

}  // namespace crucible::novelty::gimple
