/// What the sandbox does to a candidate before novelty looks at it, for the offline evaluation, which compiles without
/// a jail: `novelty_view TRANSLATION_UNIT DEPENDENCIES DUMP OUT FLAG…` writes the view's text to OUT and prints the
/// arguments of its compile, one a line; prints nothing when the dump already shows the whole kernel.
#include <fstream>
#include <iostream>
#include <sstream>

#include "sandbox/compile/view.h"

namespace {

std::string slurp(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 6) return 2;
  crucible::CompileRequest request;
  const auto text = crucible::view_text(slurp(arguments[1]), slurp(arguments[2]), request, slurp(arguments[3]));
  if (!text) return 0;
  std::ofstream(arguments[4]) << *text;
  crucible::JailSpec spec;
  for (int i = 5; i < count; ++i) spec.arguments.emplace_back(arguments[i]);
  spec.deadline = std::chrono::seconds(30);
  for (const std::string& argument : crucible::view_spec(spec).arguments) std::cout << argument << '\n';
}
