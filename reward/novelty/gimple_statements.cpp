#include <algorithm>
#include <stdexcept>

#include "reward/novelty/gimple_function.h"
#include "reward/novelty/hashing.h"

namespace crucible::novelty::gimple {
namespace {

bool is_mark(const Word& word, std::string_view text) { return word.kind == Word::Kind::mark && word.text == text; }
bool is_name(const Word& word, std::string_view text) { return word.kind == Word::Kind::name && word.text == text; }

/// The operation that a binary mark names, empty when it names none.
std::string_view binary_name(std::string_view mark) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"+", "add"},  {"-", "sub"},  {"*", "mul"}, {"/", "div"},  {"%", "rem"},  {"<<", "shl"},
      {">>", "shr"}, {"&", "and"},  {"|", "or"},  {"^", "xor"},  {"==", "cmp"}, {"!=", "cmp"},
      {"<", "cmp"},  {"<=", "cmp"}, {">", "cmp"}, {">=", "cmp"}, {"&&", "and"}, {"||", "or"}};
  for (const auto& [text, name] : kNames)
    if (text == mark) return name;
  return {};
}

}  // namespace

std::uint32_t FunctionReader::block(std::string_view number) {
  const auto [at, fresh] = blocks_.emplace(number, static_cast<std::uint32_t>(program().blocks.size()));
  if (fresh) {
    if (program().blocks.size() >= kMostBlocks) throw std::runtime_error("the compiled code is too large to analyse");
    program().blocks.emplace_back();
    program().blocks.back().function = function_;
    program().functions[function_].blocks.push_back(at->second);
  }
  return at->second;
}

void FunctionReader::branch(std::uint32_t to) {
  auto& successors = program().blocks[block_].successors;
  if (std::find(successors.begin(), successors.end(), to) == successors.end()) successors.push_back(to);
}

void FunctionReader::statement(std::string_view text) {
  if (text.starts_with("<bb ")) {
    const std::uint32_t next = block(text.substr(4, text.find('>') - 4));
    if (block_ == kNone)
      program().functions[function_].first_block = next;
    else if (open_)
      branch(next);
    block_ = next;
    open_ = true;
    return;
  }
  if (text.starts_with("<")) {
    labels_[text.substr(1, text.find('>') - 1)] = block_;
    return;
  }
  if (text.starts_with("}") || text.starts_with(";;")) return;
  const bool is_phi = text.starts_with("# ");
  const Statement read = read_statement(is_phi ? text.substr(2) : text);
  const Words& words = read.words;
  if (words.empty()) return;
  if (read.line > 0) line_ = read.line;
  if (is_phi) return phi(words);
  const std::string_view first = words[0].text;
  if (first == "if" || first == "else" || first == "goto" || first == "switch" || first == "return" || first == "resx")
    return flow(words);
  if (first == "__asm__") return assembly(words);
  int depth = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].kind != Word::Kind::mark) continue;
    if (words[i].text == "(" || words[i].text == "[" || words[i].text == "{") ++depth;
    if (words[i].text == ")" || words[i].text == "]" || words[i].text == "}") --depth;
    if (depth == 0 && words[i].text == "=" && i > 0) return assignment(words, i);
  }
  right_side(words.data(), words.data() + words.size(), Type::none, false);
}

void FunctionReader::flow(const Words& words) {
  const Word* end = words.data() + words.size();
  const std::string_view first = words[0].text;
  if (first == "if" && words.size() > 3) {
    const Word* w = words.data() + 1;
    int depth = 0;
    const Word* close = w;
    for (; close < end; ++close) {
      if (is_mark(*close, "(")) ++depth;
      if (is_mark(*close, ")") && --depth == 0) break;
    }
    right_side(w + 1, close, Type::boolean, false);
  }
  if (first == "switch") {
    for (const Word* w = words.data(); w + 2 < end; ++w)
      if (is_mark(*w, "<") && is_mark(*(w + 2), ">")) label_jumps_.emplace_back(block_, (w + 1)->text);
    open_ = false;
    return;
  }
  if (first == "return") {
    if (words.size() > 1)
      if (const NodeId id = operand(words.data() + 1, end); id != kNone)
        program().functions[function_].returns.push_back(id);
    open_ = false;
    return;
  }
  for (const Word* w = words.data(); w + 3 < end; ++w)
    if (is_name(*w, "goto")) {
      if (is_mark(*(w + 1), "<") && is_name(*(w + 2), "bb")) branch(block((w + 3)->text));
      open_ = false;
    }
  if (first == "resx") open_ = false;
}

void FunctionReader::phi(const Words& words) {
  if (words.size() < 5 || !is_name(words[2], "PHI")) return;
  std::vector<NodeId> inputs;
  const Word* end = words.data() + words.size();
  if (is_mark(*(end - 1), ">")) --end;
  for (const auto& [from, to] : arguments(words.data() + 4, end)) {
    const Word* last = to;
    if (to - from > 3 && is_mark(*(to - 1), ")")) last = to - 3;  // the block it comes from
    if (const NodeId id = operand(from, last); id != kNone) inputs.push_back(id);
  }
  const NodeId id = value(words[0].text, false);
  Node& node = program().nodes[id];
  node.kind = Kind::phi;
  node.block = block_;
  node.line = line_;
  node.operands = std::move(inputs);
  program().blocks[block_].nodes.push_back(id);
}

void FunctionReader::assignment(const Words& words, std::size_t equals) {
  const Word* begin = words.data() + equals + 1;
  const Word* end = words.data() + words.size();
  bool is_volatile = false;
  if (end - begin >= 3 && is_mark(begin[0], "{") && is_name(begin[1], "v") && is_mark(begin[2], "}")) {
    is_volatile = true;
    begin += 3;
  }
  if (end - begin >= 2 && is_mark(begin[0], "{") && is_name(begin[1], "CLOBBER")) return;
  if (equals == 1 && is_value(words[0])) {
    const auto [type, vector] = type_of(words[0].text);
    define(words[0].text, right_side(begin, end, type, vector));
    return;
  }
  const NodeId stored = right_side(begin, end, Type::opaque, false);
  store(reference(words.data(), words.data() + equals), stored, is_volatile);
}

NodeId FunctionReader::right_side(const Word* begin, const Word* end, Type type, bool vector) {
  if (begin >= end) return kNone;
  // `[tail call]` and the like after a call.
  if (end - begin > 3 && is_mark(*(end - 1), "]"))
    for (const Word* w = end - 2; w != begin; --w)
      if (is_mark(*w, "[")) {
        if (is_name(*(w + 1), "tail") || is_name(*(w + 1), "return") || is_name(*(w + 1), "must")) end = w;
        break;
      }
  if (end - begin == 1) {
    if (is_value(*begin) || begin->kind != Word::Kind::name || objects_.count(begin->text) == 0)
      return operand(begin, end);
    return load(reference(begin, end), type, vector);
  }
  if (is_mark(*begin, "(")) {  // a cast
    int depth = 0;
    const Word* close = begin;
    for (; close < end; ++close) {
      if (is_mark(*close, "(")) ++depth;
      if (is_mark(*close, ")") && --depth == 0) break;
    }
    if (close == end || close + 1 == end) return operand(begin, end);
    const NodeId from = operand(close + 1, end);
    if (from == kNone) return kNone;
    const Type source = program().nodes[from].type;
    const auto is_real = [](Type t) { return t >= Type::f16 && t <= Type::f8; };
    const bool converts =
        (is_real(type) && source != type && source != Type::opaque) || (is_real(source) && !is_real(type));
    return converts ? program().operation("convert", type, vector, {from}, block_, line_) : from;
  }
  if (begin->kind == Word::Kind::name && end - begin > 2) {
    if (is_mark(begin[1], "<") && is_mark(*(end - 1), ">") && begin->text.find("_EXPR") != std::string_view::npos)
      return named_expression(begin->text, begin + 2, end - 1, type, vector);
    if (begin->text == "BIT_FIELD_REF" || begin->text == "REALPART_EXPR" || begin->text == "IMAGPART_EXPR")
      return operand(begin + 2, std::find_if(begin + 2, end, [](const Word& w) { return is_mark(w, ","); }));
    if (begin->text == "VIEW_CONVERT_EXPR" && is_mark(*(end - 1), ")")) {
      int level = 0;  // the type in front may hold brackets of its own: vector(8) float
      for (const Word* w = end; w-- != begin;) {
        if (is_mark(*w, ")")) ++level;
        if (is_mark(*w, "(") && --level == 0) return operand(w + 1, end - 1);
      }
      return kNone;
    }
  }
  if (is_name(*begin, "VIEW_CONVERT_EXPR") && is_mark(*(end - 1), "]")) {  // a lane of a vector, or of memory
    const Reference place = reference(begin, end);
    if (place.base != kNone && program().nodes[place.base].type != Type::pointer) return place.base;
    return load(place, type, vector);
  }
  // A binary operation, a comparison or a choice, at the outermost level and between two operands.
  int depth = 0;
  const Word *operation = nullptr, *question = nullptr, *colon = nullptr;
  const bool is_place = is_name(*begin, "MEM") || is_mark(*begin, "*") || is_mark(*begin, "&");
  for (const Word* w = begin; w < end && !is_place; ++w) {
    if (w->kind != Word::Kind::mark) continue;
    if (w->text == "(" || w->text == "[" || w->text == "{") ++depth;
    if (w->text == ")" || w->text == "]" || w->text == "}") --depth;
    if (depth != 0 || w == begin) continue;
    if (w->text == "?" && question == nullptr) question = w;
    if (w->text == ":" && question != nullptr && colon == nullptr) colon = w;
    if (operation == nullptr && !binary_name(w->text).empty() && w + 1 != end) operation = w;
  }
  const bool is_call = is_mark(*(end - 1), ")");
  if (question != nullptr && colon != nullptr) {
    right_side(begin, question, Type::boolean, vector);
    std::vector<NodeId> either;
    for (NodeId id : {operand(question + 1, colon), operand(colon + 1, end)})
      if (id != kNone) either.push_back(id);
    return program().operation("select", type, vector, std::move(either), block_, line_);
  }
  if (operation != nullptr && (!is_call || is_value(*begin))) {
    const Word* left_end = operation;
    std::string_view name = binary_name(operation->text);
    if (left_end - begin == 2 && (begin + 1)->kind == Word::Kind::name) --left_end;  // `a u>= b`, `a w* b`, `a r>> b`
    std::vector<NodeId> both;
    for (NodeId id : {operand(begin, left_end), operand(operation + 1, end)})
      if (id != kNone) both.push_back(id);
    return program().operation(name, type, vector, std::move(both), block_, line_);
  }
  if (is_mark(*begin, "-") && end - begin == 2 && is_value(begin[1]))
    return program().operation("neg", type, vector, {operand(begin + 1, end)}, block_, line_);
  if ((is_mark(*begin, "~") || is_mark(*begin, "!")) && end - begin == 2)
    return program().operation("not", type, vector, {operand(begin + 1, end)}, block_, line_);
  if (is_call) {
    int level = 0;
    for (const Word* w = end; w-- != begin;) {
      if (is_mark(*w, ")")) ++level;
      if (is_mark(*w, "(") && --level == 0)
        return w == begin ? operand(begin, end) : call_value(begin, w, end, type, vector);
    }
  }
  if (is_mark(*begin, "{") || is_mark(*begin, "&") || is_mark(*begin, "-")) return operand(begin, end);
  return load(reference(begin, end), type, vector);
}

NodeId FunctionReader::named_expression(std::string_view name, const Word* begin, const Word* end, Type type,
                                        bool vector) {
  std::vector<NodeId> of = operands(begin, end);
  std::string_view label = "vector.other";
  if (name == "MAX_EXPR") label = "max";
  if (name == "MIN_EXPR") label = "min";
  if (name == "ABS_EXPR" || name == "ABSU_EXPR") label = "abs";
  if (name == "VEC_PERM_EXPR") label = "permute";
  if (name == "VEC_COND_EXPR" || name == "COND_EXPR") label = "select";
  if (name == "BIT_INSERT_EXPR") label = "build";
  if (name.find("WIDEN_MULT") != std::string_view::npos || name == "MULT_HIGHPART_EXPR") label = "mul";
  if (name == "VIEW_CONVERT_EXPR" && !of.empty()) return of[0];
  if (label == "permute" && of.size() == 3 && program().nodes[of[2]].kind == Kind::constant) of.pop_back();
  return program().operation(label, type, vector, std::move(of), block_, line_);
}

NodeId FunctionReader::call_value(const Word* begin, const Word* open, const Word* end, Type type, bool vector) {
  std::vector<NodeId> given = operands(open + 1, end - 1);
  const auto argument = [&](int i) {
    return i >= 0 && static_cast<std::size_t>(i) < given.size() ? given[static_cast<std::size_t>(i)] : kNone;
  };
  const std::string callee = joined(begin, open);
  if (is_value(*begin) || shared_.functions.count(callee) != 0) {
    Node node;
    node.kind = Kind::call;
    node.type = type;
    node.vector = vector;
    node.block = block_;
    node.line = line_;
    node.label = hash_text("call");
    const NodeId id = program().add(std::move(node));
    shared_.calls.push_back({function_, block_, is_value(*begin) ? std::string() : callee, id, std::move(given),
                             printed_types(open + 1, end - 1)});
    return id;
  }
  const Meaning meaning = meaning_of(callee);
  const auto first = [&](int count) {
    return std::vector<NodeId>(
        given.begin(), given.begin() + std::min<std::ptrdiff_t>(count, static_cast<std::ptrdiff_t>(given.size())));
  };
  switch (meaning.shape) {
    case Meaning::Shape::nothing:
      return kNone;
    case Meaning::Shape::operation:
      return program().operation(meaning.name, type, vector, first(meaning.operands), block_, line_);
    case Meaning::Shape::fused: {
      if (given.size() < 3) break;
      NodeId product = program().operation("mul", type, vector, {given[0], given[1]}, block_, line_);
      if (meaning.negate_product) product = program().operation("neg", type, vector, {product}, block_, line_);
      return program().operation(meaning.negate_addend ? "sub" : "add", type, vector, {product, given[2]}, block_,
                                 line_);
    }
    case Meaning::Shape::copy:
      return argument(0);
    case Meaning::Shape::load: {
      Reference from = at_pointer(argument(meaning.pointer));
      if (meaning.indexed) from.index = argument(meaning.pointer + 1);
      return load(from, type, vector);
    }
    case Meaning::Shape::store: {
      Reference to = at_pointer(argument(meaning.pointer));
      if (meaning.indexed) to.index = argument(2);
      return store(to, argument(meaning.value), false);
    }
    case Meaning::Shape::move: {
      if (given.size() < 2) break;
      const NodeId moved = load(at_pointer(given[1]), Type::opaque, false);
      store(at_pointer(given[0]), moved, false);
      return given[0];
    }
    case Meaning::Shape::allocate: {
      Reference fresh;
      fresh.object = static_cast<std::uint32_t>(program().objects.size());
      program().objects.emplace_back();
      program().objects.back().is_heap = true;
      program().objects.back().owner = function_;
      return address(fresh);
    }
    case Meaning::Shape::parallel: {
      const std::vector<std::pair<const Word*, const Word*>> parts = arguments(open + 1, end - 1);
      program().operation("openmp", Type::none, false, {}, block_, line_);
      if (parts.size() >= 2 && argument(1) != kNone)
        shared_.calls.push_back({function_, block_, joined(parts[0].first, parts[0].second), kNone, {argument(1)}, {}});
      return kNone;
    }
    case Meaning::Shape::unknown:
      break;
  }
  Node node;
  node.kind = Kind::call;
  node.type = type;
  node.vector = vector;
  node.block = block_;
  node.line = line_;
  node.label = hash_text("call");
  node.operands = std::move(given);
  return program().add(std::move(node));
}

}  // namespace crucible::novelty::gimple
