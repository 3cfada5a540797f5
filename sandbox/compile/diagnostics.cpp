#include "sandbox/compile/diagnostics.h"

#include <algorithm>
#include <csignal>
#include <string_view>

namespace crucible {
namespace {

constexpr std::size_t kLimit = 16u << 10;

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// The work directory is /work, or /tmp/crucible-jail-XXXXXX without a mount namespace.
void strip_jail_paths(std::string& text) {
  replace_all(text, "/work/", "");
  constexpr std::string_view scratch = "/tmp/crucible-jail-";
  // What is left on both sides of a path that was taken out may make another one.
  for (std::size_t at = text.find(scratch); at != std::string::npos;
       at = text.find(scratch, at - std::min(at, scratch.size())))
    text.erase(at, std::min(scratch.size() + 7, text.size() - at));
}

// Control characters could repaint a terminal; what is not text becomes a question mark.
void keep_printable(std::string& text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) c = '?';
  }
}

std::string entry_point_hint(const std::string& text, const CompileRequest& request, const std::string& assembly) {
  const std::string& name = request.entry_point;
  if (name.empty() || text.find("required symbol `" + name + "' not defined") == std::string::npos) return {};
  std::string hint = request.file_name + ": error: the entry point is missing: define `extern \"C\" int " + name +
                     "(...)` with default visibility\n";
  if (assembly.find("_Z" + std::to_string(name.size()) + name) != std::string::npos)
    hint += request.file_name + ": note: there is a C++ function `" + name +
            "`, but without extern \"C\" its symbol has another name\n";
  return hint;
}

std::string reason(const JailReport& report, const CompileRequest& request, const CompileProblems& problems) {
  if (report.deadline_passed) return "compilation stopped after " + std::to_string(request.deadline.count()) + " ms\n";
  if (problems.artifact_too_large)
    return "the shared object is larger than " + std::to_string(request.output_bytes) + " bytes\n";
  if (!problems.foreign_header.empty())
    return request.file_name + ": error: " + problems.foreign_header +
           " is not a header of the C or C++ library or of the compiler: the text must be all the code there is\n";
  if (report.fate.kind == FateKind::exited) return {};
  return "the compiler was ended: " + to_string(report.fate) + "\n";
}

}  // namespace

std::string readable_diagnostics(const JailReport& report, const CompileRequest& request, const std::string& assembly,
                                 const CompileProblems& problems) {
  std::string text = report.output;
  strip_jail_paths(text);
  keep_printable(text);
  text.insert(0, reason(report, request, problems) + entry_point_hint(text, request, assembly));
  if (text.size() > kLimit) {
    constexpr std::string_view mark = "\n[cut]\n";
    text.resize(kLimit - mark.size());
    text += mark;
  }
  return text;
}

}  // namespace crucible
