#include "reward/novelty/tokens.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "reward/novelty/hashing.h"

namespace crucible::novelty {
namespace {

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (c & 0x80) != 0;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name(char c) { return is_name_start(c) || is_digit(c); }

/// Names whose meaning the language or the compiler fixes; all others are the author's choice.
bool keeps_its_name(std::string_view name) {
  static const std::unordered_set<std::string_view> keywords = {
      "auto",    "bool",     "break",     "case",     "char",     "class",   "const",     "constexpr", "continue",
      "default", "delete",   "do",        "double",   "else",     "enum",    "extern",    "false",     "float",
      "for",     "goto",     "if",        "inline",   "int",      "long",    "namespace", "new",       "operator",
      "return",  "short",    "signed",    "sizeof",   "static",   "struct",  "switch",    "template",  "this",
      "true",    "typedef",  "typename",  "union",    "unsigned", "using",   "void",      "volatile",  "while",
      "asm",     "__asm__",  "noexcept",  "nullptr",  "typeid",   "alignas", "decltype",  "concept",   "pragma",
      "omp",     "parallel", "threadIdx", "blockIdx", "blockDim", "gridDim"};
  if (keywords.count(name) != 0) return true;
  return name.starts_with("_mm") || name.starts_with("__builtin") || name.starts_with("__shfl") ||
         name.starts_with("__sync") || name.starts_with("__ld") || name.starts_with("__shared");
}

/// Reads one token after another; every step moves forward, so that any text ends.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  /// The next token, empty at the end.
  std::string_view next() {
    for (;;) {
      skip_blank();
      if (at_ >= text_.size()) return {};
      const char c = text_[at_];
      if (c == '#' && at_line_start_) {
        if (!directive_counts()) {
          skip_line();
          continue;
        }
      }
      at_line_start_ = false;
      if (c == '/' && peek(1) == '/') {
        skip_line();
        continue;
      }
      if (c == '/' && peek(1) == '*') {
        const std::size_t end = text_.find("*/", at_ + 2);
        at_ = end == std::string_view::npos ? text_.size() : end + 2;
        continue;
      }
      if (c == '"' || c == '\'') return quoted(c);
      if (is_name_start(c)) return run([](char d) { return is_name(d); });
      if (is_digit(c) || (c == '.' && is_digit(peek(1))))
        return run([](char d) { return is_name(d) || d == '.' || d == '\''; });
      return punctuation();
    }
  }

 private:
  char peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void skip_blank() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n')
        at_line_start_ = true;
      else if (c != ' ' && c != '\t' && c != '\r' && c != '\v' && c != '\f' && c != '\\')
        return;
      ++at_;
    }
  }

  void skip_line() {
    const std::size_t end = text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end;
  }

  /// OpenMP is code; linemarkers, includes and other pragmas are not.
  bool directive_counts() const {
    const std::string_view line = text_.substr(at_, std::min<std::size_t>(32, text_.find('\n', at_) - at_));
    return line.find("pragma") != std::string_view::npos && line.find("omp ") != std::string_view::npos;
  }

  template <class Accept>
  std::string_view run(Accept accept) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && accept(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::string_view quoted(char quote) {
    const std::size_t begin = at_++;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());
    return text_.substr(begin, at_ - begin);
  }

  std::string_view punctuation() {
    static constexpr std::string_view kLong[] = {"<<=", ">>=", "...", "::", "->", "++", "--", "<<",
                                                 ">>",  "<=",  ">=",  "==", "!=", "&&", "||", "+=",
                                                 "-=",  "*=",  "/=",  "%=", "&=", "|=", "^="};
    for (std::string_view p : kLong)
      if (text_.substr(at_, p.size()) == p) {
        at_ += p.size();
        return p;
      }
    return text_.substr(at_++, 1);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool at_line_start_ = true;
};

std::uint64_t gram(const std::vector<std::uint16_t>& tokens, std::size_t at, std::size_t length) {
  std::uint64_t h = length;
  for (std::size_t i = 0; i < length; ++i) h = combine(h, tokens[at + i]);
  return h;
}

}  // namespace

std::vector<std::uint16_t> normalized_tokens(std::string_view text) {
  std::vector<std::uint16_t> tokens;
  Lexer lexer(text);
  for (std::string_view token = lexer.next(); !token.empty() && tokens.size() < kMostTokens; token = lexer.next()) {
    std::string_view form = token;
    const char c = token[0];
    if (c == '"')
      form = "string";
    else if (is_digit(c) || c == '\'' || (c == '.' && token.size() > 1 && is_digit(token[1])))
      form = "number";
    else if (is_name_start(c) && !keeps_its_name(token))
      form = "name";
    tokens.push_back(static_cast<std::uint16_t>(hash_text(form)));
  }
  return tokens;
}

FeatureSet winnow(const std::vector<std::uint16_t>& tokens) {
  constexpr std::size_t kGram = 5, kWindow = 4;
  FeatureSet out;
  if (tokens.size() < kGram) return out;
  std::vector<std::uint64_t> grams(tokens.size() - kGram + 1);
  for (std::size_t i = 0; i < grams.size(); ++i) grams[i] = gram(tokens, i, kGram);
  for (std::size_t i = 0; i < grams.size(); ++i) {
    const std::size_t end = std::min(grams.size(), i + kWindow);
    out.push_back(*std::min_element(grams.begin() + static_cast<std::ptrdiff_t>(i),
                                    grams.begin() + static_cast<std::ptrdiff_t>(end)));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

namespace {

constexpr std::size_t kShortest = 12, kMostPlaces = 8, kFilterBits = 1u << 14;

/// Hashes of all runs of kShortest tokens, each from the one before.
std::vector<std::uint64_t> runs_of(const std::vector<std::uint16_t>& tokens) {
  constexpr std::uint64_t kBase = 0x9e3779b97f4a7c15ull;
  std::uint64_t leaving = 1;  // what the token that leaves weighs
  for (std::size_t i = 1; i < kShortest; ++i) leaving *= kBase;
  std::vector<std::uint64_t> out;
  std::uint64_t h = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i >= kShortest) h -= leaving * (tokens[i - kShortest] + 1u);
    h = h * kBase + tokens[i] + 1u;
    if (i + 1 >= kShortest) out.push_back(mix(h));
  }
  return out;
}

}  // namespace

Tiler::Tiler(const std::vector<std::uint16_t>& text) : text_(text), filter_(kFilterBits / 64) {
  const std::vector<std::uint64_t> runs = runs_of(text);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    places_.emplace_back(runs[i], static_cast<std::uint32_t>(i));
    filter_[runs[i] % kFilterBits / 64] |= std::uint64_t{1} << (runs[i] % 64);
  }
  std::sort(places_.begin(), places_.end());
}

double Tiler::similarity(const std::vector<std::uint16_t>& other) const {
  if (text_.size() < kShortest || other.size() < kShortest) return text_ == other && !text_.empty() ? 1.0 : 0.0;
  const std::vector<std::uint64_t> runs = runs_of(other);
  std::vector<char> used(text_.size(), 0);
  std::size_t covered = 0;
  for (std::size_t i = 0; i < runs.size();) {
    std::size_t longest = 0, from = 0;
    if ((filter_[runs[i] % kFilterBits / 64] >> (runs[i] % 64) & 1) != 0) {
      auto at = std::lower_bound(places_.begin(), places_.end(), std::pair{runs[i], std::uint32_t{0}});
      for (std::size_t tries = 0; tries < kMostPlaces && at != places_.end() && at->first == runs[i]; ++tries, ++at) {
        const std::size_t j = at->second;
        std::size_t n = 0;
        while (i + n < other.size() && j + n < text_.size() && used[j + n] == 0 && other[i + n] == text_[j + n]) ++n;
        if (n > longest) {
          longest = n;
          from = j;
        }
      }
    }
    if (longest < kShortest) {
      ++i;
      continue;
    }
    std::fill_n(used.begin() + static_cast<std::ptrdiff_t>(from), longest, char{1});
    covered += longest;
    i += longest;
  }
  return 2.0 * static_cast<double>(covered) / static_cast<double>(text_.size() + other.size());
}

}  // namespace crucible::novelty
