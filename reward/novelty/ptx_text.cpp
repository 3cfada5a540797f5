#include "reward/novelty/ptx_text.h"

#include <algorithm>
#include <cctype>
#include <unordered_map>

namespace crucible::novelty::ptx {

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> separated(std::string_view text) {
  std::vector<std::string_view> out;
  int depth = 0;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= text.size() && out.size() < 256; ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if ((c == ',' && depth <= 0) || i == text.size()) {
      const std::string_view part = trimmed(text.substr(from, i - from));
      if (!part.empty()) out.push_back(part);
      from = i + 1;
    }
  }
  return out;
}

std::vector<std::string_view> dotted(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('.'), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Type type_of_suffix(std::string_view s) {
  if (s == "f32" || s == "tf32") return Type::f32;
  if (s == "f64") return Type::f64;
  if (s == "f16" || s == "f16x2") return Type::f16;
  if (s == "bf16" || s == "bf16x2") return Type::bf16;
  if (s.starts_with("e4m3") || s.starts_with("e5m2")) return Type::f8;
  if (s == "pred") return Type::boolean;
  if (s.size() >= 2 && (s[0] == 'u' || s[0] == 's' || s[0] == 'b') && std::isdigit(static_cast<unsigned char>(s[1])))
    return Type::integer;
  return Type::none;
}

std::string_view arithmetic(std::string_view op) {
  static const std::unordered_map<std::string_view, std::string_view> kNames = {
      {"add", "add"},         {"addc", "add"},      {"sub", "sub"},
      {"mul", "mul"},         {"mul24", "mul"},     {"div", "div"},
      {"rem", "rem"},         {"min", "min"},       {"max", "max"},
      {"abs", "abs"},         {"neg", "neg"},       {"and", "and"},
      {"or", "or"},           {"xor", "xor"},       {"not", "not"},
      {"shl", "shl"},         {"shr", "shr"},       {"shf", "shr"},
      {"setp", "cmp"},        {"set", "cmp"},       {"selp", "select"},
      {"slct", "select"},     {"sqrt", "sqrt"},     {"rsqrt", "rsqrt"},
      {"rcp", "rcp"},         {"ex2", "exp"},       {"lg2", "log"},
      {"sin", "sin"},         {"cos", "cos"},       {"tanh", "tanh"},
      {"prmt", "permute"},    {"bfe", "shr"},       {"bfi", "or"},
      {"lop3", "and"},        {"popc", "popcount"}, {"clz", "clz"},
      {"bfind", "clz"},       {"brev", "permute"},  {"shfl", "shuffle"},
      {"vote", "vote"},       {"match", "vote"},    {"redux", "warp.reduce"},
      {"dp4a", "dot"},        {"dp2a", "dot"},      {"copysign", "copysign"},
      {"activemask", "vote"}, {"mapa", "mapa"}};
  const auto found = kNames.find(op);
  return found == kNames.end() ? std::string_view() : found->second;
}

}  // namespace crucible::novelty::ptx
