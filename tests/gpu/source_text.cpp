#include "tests/gpu/source_text.h"

#include <fstream>
#include <iterator>

namespace crucible::gpu_test {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string self_contained(const std::string& path) {
  std::string text = text_of(path);
  const std::string include = "#include \"";
  for (std::size_t at = text.find(include); at != std::string::npos; at = text.find(include, at + 1)) {
    const std::size_t name = at + include.size(), end = text.find('"', name);
    std::string header = text_of(path.substr(0, path.rfind('/') + 1) + text.substr(name, end - name));
    if (const std::size_t once = header.find("#pragma once"); once != std::string::npos) header.erase(once, 12);
    text.replace(at, end + 1 - at, header);
  }
  return text;
}

}  // namespace crucible::gpu_test
