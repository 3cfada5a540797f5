#include "sandbox/compile/view.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "sandbox/compile/plain_text.h"

namespace crucible {
namespace {

constexpr const char* kView = "view.ii";

/// Whether a dump holds functions beside the entry point and the bodies of its parallel regions: calls that stayed.
bool several_functions(std::string_view gimple) {
  constexpr std::string_view kHeadline = ";; Function ";
  std::size_t functions = 0;
  for (std::size_t at = gimple.find(kHeadline); at != std::string_view::npos; at = gimple.find(kHeadline, at + 1)) {
    const std::string_view line = gimple.substr(at, gimple.find('\n', at) - at);
    functions += line.find("._omp_fn.") == std::string_view::npos && line.find("_GLOBAL__") == std::string_view::npos;
  }
  return functions > 1;
}

}  // namespace

std::optional<std::string> view_text(const std::string& preprocessed, const std::string& dependencies,
                                     const CompileRequest& request, const std::string& gimple) {
  PlainText plain = plain_text(preprocessed, dependencies, request.file_name);
  if (!plain.directed && !several_functions(gimple)) return std::nullopt;
  return std::move(plain.text);
}

JailSpec view_spec(JailSpec spec) {
  std::vector<std::string> arguments;
  for (const std::string& argument : spec.arguments) {
    if (argument == "-MD") break;  // from here on: dependencies, diagnostics, the link
    if (argument != "-save-temps=obj" && argument != "-shared") arguments.push_back(argument);
  }
  // More than -O3 inlines, not everything: the algorithms of the standard library would grow to megabytes.
  for (const char* flag :
       {"-w", "-fno-semantic-interposition", "--param=max-inline-insns-auto=150",
        "--param=max-inline-insns-single=1000", "--param=inline-unit-growth=60", "-S", "-o", "view.s", kView})
    arguments.emplace_back(flag);
  spec.arguments = std::move(arguments);
  spec.descriptor_targets = {-1};
  spec.written = {{kView, 0}};
  std::erase_if(spec.collected, [](const auto& file) { return file.name != "candidate.gimple"; });
  spec.deadline /= 3;
  spec.limits.cpu_seconds = static_cast<std::uint64_t>(spec.deadline.count()) / 1000 + 10;
  return spec;
}

}  // namespace crucible
