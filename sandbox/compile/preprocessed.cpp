#include "sandbox/compile/preprocessed.h"

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace crucible {
namespace {

constexpr std::size_t kLimit = 1u << 20;

struct Marker {
  std::string file;
  char movement = 0;  ///< '1' enters a file, '2' returns to one, else neither
};

// # 12 "file" 1 3 4
std::optional<Marker> parse_marker(std::string_view line) {
  if (line.size() < 5 || line[0] != '#' || line[1] != ' ' || line[2] < '0' || line[2] > '9') return std::nullopt;
  const std::size_t open = line.find('"');
  const std::size_t close = line.rfind('"');
  if (open == std::string_view::npos || close == open) return std::nullopt;
  Marker marker{std::string(line.substr(open + 1, close - open - 1)), 0};
  if (close + 2 < line.size()) marker.movement = line[close + 2];
  return marker;
}

template <typename Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::set<std::string> listed_files(std::string_view dependencies) {
  std::set<std::string> files;
  std::string name;
  const auto finish = [&] {
    if (!name.empty()) files.insert(std::exchange(name, {}));
  };
  for (std::size_t i = 0; i < dependencies.size(); ++i) {
    const char c = dependencies[i];
    if (c == '\\' && i + 1 < dependencies.size()) {
      if (dependencies[i + 1] == '\n') {
        finish();
      } else {
        name += dependencies[i + 1];
      }
      ++i;
    } else if (c == ' ' || c == '\n' || c == '\t') {
      finish();
    } else {
      name += c;
    }
  }
  finish();
  return files;
}

void for_each_origin(const std::string& preprocessed, const std::string& dependencies,
                     const std::function<void(std::string_view, LineOrigin)>& visit) {
  std::map<std::string, int> entered;
  for_each_line(preprocessed, [&](std::string_view line) {
    const auto marker = parse_marker(line);
    if (marker && marker->movement == '1') ++entered[marker->file];
  });
  const std::set<std::string> listed = listed_files(dependencies);
  const auto is_header = [&](const std::string& file) { return listed.count(file) != 0 && entered[file] == 1; };

  std::vector<bool> headers;  // of the files entered and not yet left: whether each is a real header
  std::size_t hidden = 0;
  for_each_line(preprocessed, [&](std::string_view line) {
    const std::size_t before = hidden;
    const auto marker = parse_marker(line);
    if (marker && marker->movement == '1') {
      headers.push_back(is_header(marker->file));
      hidden += headers.back();
    } else if (marker && marker->movement == '2' && !headers.empty()) {
      hidden -= headers.back();
      headers.pop_back();
    }
    const bool in_header = hidden != 0 || (before != 0 && !marker);
    visit(line, in_header ? LineOrigin::header : marker ? LineOrigin::marker : LineOrigin::own);
  });
}

std::string own_lines(const std::string& preprocessed, const std::string& dependencies) {
  std::string own;
  for_each_origin(preprocessed, dependencies, [&](std::string_view line, LineOrigin origin) {
    if (origin != LineOrigin::own || own.size() + line.size() + 1 > kLimit) return;
    own.append(line);
    own += '\n';
  });
  return own;
}

}  // namespace crucible
