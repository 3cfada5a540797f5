#include "sandbox/compile/plain_text.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <vector>

#include "sandbox/compile/preprocessed.h"

namespace crucible {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         (c & 0x80) != 0;
}

struct Token {
  std::size_t begin = 0, end = 0;
};

/// Tokens of C++ text, as far as brackets, words and literals go. Lines of markers and pragmas have none.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {
    for (std::size_t at = 0; at < text.size();) {
      if (text[at] == '#' && (at == 0 || text[at - 1] == '\n')) {
        at = std::min(text.find('\n', at), text.size());
        continue;
      }
      if (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r') {
        ++at;
        continue;
      }
      const std::size_t end = end_of(at);
      all_.push_back({at, end});
      at = end;
    }
  }

  std::size_t size() const { return all_.size(); }
  const Token& at(std::size_t i) const { return all_[i]; }
  std::string_view text(std::size_t i) const {
    return i < all_.size() ? text_.substr(all_[i].begin, all_[i].end - all_[i].begin) : std::string_view();
  }
  /// The token that closes the bracket at `open`, or size().
  std::size_t closing(std::size_t open) const {
    int depth = 0;
    for (std::size_t i = open; i < all_.size(); ++i) {
      const std::string_view word = text(i);
      if (word == "(" || word == "[" || word == "{") ++depth;
      if ((word == ")" || word == "]" || word == "}") && --depth == 0) return i;
    }
    return all_.size();
  }

 private:
  std::size_t end_of(std::size_t at) const {
    const char c = text_[at];
    if (c == '"' || c == '\'') return literal_end(at);
    if (!is_word(c)) return at + 1;
    std::size_t end = at;
    const bool is_number = c >= '0' && c <= '9';
    while (end < text_.size() && (is_word(text_[end]) || (is_number && text_[end] == '\''))) ++end;
    if (end < text_.size() && text_[end] == '"') {
      const std::string_view prefix = text_.substr(at, end - at);
      if (prefix == "R" || prefix == "LR" || prefix == "uR" || prefix == "UR" || prefix == "u8R") return raw_end(end);
      if (prefix == "L" || prefix == "u" || prefix == "U" || prefix == "u8") return literal_end(end);
    }
    return end;
  }
  std::size_t literal_end(std::size_t at) const {
    for (std::size_t i = at + 1; i < text_.size() && text_[i] != '\n'; ++i) {
      if (text_[i] == '\\')
        ++i;
      else if (text_[i] == text_[at])
        return i + 1;
    }
    return at + 1;
  }
  std::size_t raw_end(std::size_t quote) const {
    const std::size_t open = text_.find('(', quote);
    if (open == std::string_view::npos || open - quote > 17) return quote + 1;
    const std::string close = ")" + std::string(text_.substr(quote + 1, open - quote - 1)) + "\"";
    const std::size_t end = text_.find(close, open);
    return end == std::string_view::npos ? text_.size() : end + close.size();
  }

  std::string_view text_;
  std::vector<Token> all_;
};

bool any_of(std::string_view word, std::initializer_list<std::string_view> names) {
  if (word.size() > 4 && word.starts_with("__") && word.ends_with("__")) word = word.substr(2, word.size() - 4);
  return std::find(names.begin(), names.end(), word) != names.end();
}

/// Blanks and rewrites of one stretch of own lines. Newlines stay, so that lines keep their numbers.
class Stretch {
 public:
  Stretch(std::string& text, bool& directed) : text_(text), tokens_(text), directed_(directed) {}

  void run() {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const std::string_view word = tokens_.text(i);
      if (any_of(word, {"volatile"}) || word == "__volatile") {
        blank(i, i);
      } else if (any_of(word, {"attribute"}) || word == "__attribute") {
        const std::size_t close = tokens_.closing(i + 1);
        attributes(i + 1, close);
        i = std::max(i, close == tokens_.size() ? i : close);
      } else if (word == "[" && tokens_.text(i + 1) == "[") {
        attributes(i, tokens_.closing(i));
      } else if (any_of(word, {"asm"}) || word == "__asm") {
        launder(i);
      }
    }
    std::string out;
    std::size_t at = 0;
    for (const Edit& edit : edits_) {
      if (edit.begin < at) continue;
      out.append(text_, at, edit.begin - at);
      out += edit.with;
      for (std::size_t i = edit.begin; i < edit.end; ++i)
        if (text_[i] == '\n') out += '\n';
      at = edit.end;
    }
    out.append(text_, at);
    text_ = std::move(out);
  }

 private:
  struct Edit {
    std::size_t begin, end;
    std::string_view with;
  };

  void edit(std::size_t first, std::size_t last, std::string_view with) {
    edits_.push_back({tokens_.at(first).begin, tokens_.at(last).end, with});
    directed_ = true;
  }
  void blank(std::size_t first, std::size_t last) { edit(first, last, " "); }

  void attributes(std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to && i < tokens_.size(); ++i) {
      const std::string_view word = tokens_.text(i);
      if (any_of(word, {"noinline", "noipa", "noclone", "cold", "weak", "no_icf", "stack_protect"})) {
        edit(i, i, "unused");
      } else if (any_of(word, {"optimize", "target_clones"}) && tokens_.text(i + 1) == "(") {
        const std::size_t close = std::min(tokens_.closing(i + 1), to);
        if (close >= tokens_.size()) return;
        edit(i, close, "unused");
        i = close;
      }
    }
  }

  /// `asm("" : "+x"(v));` does nothing but hide v.
  void launder(std::size_t at) {
    std::size_t open = at + 1;
    while (any_of(tokens_.text(open), {"volatile", "inline"}) || tokens_.text(open) == "__volatile") ++open;
    if (tokens_.text(open) != "(" || tokens_.text(open + 1) != "\"\"") return;
    const std::size_t close = tokens_.closing(open);
    if (close >= tokens_.size()) return;
    bool outputs = false;
    for (std::size_t i = open + 2, colons = 0; i < close; ++i) {
      if (tokens_.text(i) == ":") ++colons;
      outputs = outputs || (colons == 1 && tokens_.text(i).starts_with("\"="));
    }
    if (!outputs) blank(at, close);
  }

  std::string& text_;
  Tokens tokens_;
  bool& directed_;
  std::vector<Edit> edits_;
};

bool directs(std::string_view line) {
  const std::size_t at = line.find_first_not_of(" \t");
  return at != std::string_view::npos && line.substr(at).starts_with("#pragma GCC optimize");
}

/// Whether a marker names the candidate's own file, or none.
bool names(std::string_view marker, const std::string& file_name) {
  const std::size_t open = marker.find('"'), close = marker.rfind('"');
  const std::string_view file = marker.substr(open + 1, close - open - 1);
  return file == file_name || file.starts_with("<");
}

}  // namespace

PlainText plain_text(const std::string& preprocessed, const std::string& dependencies, const std::string& file_name) {
  PlainText out;
  out.text.reserve(preprocessed.size());
  std::string own;
  const auto flush = [&] {
    if (own.empty()) return;
    Stretch(own, out.directed).run();
    out.text += own;
    own.clear();
  };
  for_each_origin(preprocessed, dependencies, [&](std::string_view line, LineOrigin origin) {
    if (origin == LineOrigin::header) {
      flush();
      out.text += line;
      out.text += '\n';
      return;
    }
    if (origin == LineOrigin::own ? !directs(line) : names(line, file_name)) {
      own += line;
    } else {
      out.directed = true;
      if (origin == LineOrigin::marker)
        own.append(line.substr(0, line.find('"'))).append("\"").append(file_name).append("\"");
    }
    own += '\n';
  });
  flush();
  return out;
}

}  // namespace crucible
