#include <cstdint>
#include <cstdlib>
#include <string>

#include "sandbox/compile/diagnostics.h"

/// Whatever a compiler printed: at most 16 KiB, no control characters, no path of a jail. The first byte says how the
/// compiler ended; what follows a NUL is its assembly.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crucible;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t end = text.find('\0');
  JailReport report;
  report.output = text.substr(0, end);
  report.deadline_passed = (data[0] & 1) != 0;
  report.fate = {(data[0] & 2) != 0 ? FateKind::signalled : FateKind::exited, data[0] >> 4, ""};
  CompileRequest request;
  request.entry_point = "softmax";
  CompileProblems problems;
  problems.artifact_too_large = (data[0] & 4) != 0;
  const std::string assembly = end == std::string::npos ? std::string() : text.substr(end);
  const std::string shown = readable_diagnostics(report, request, assembly, problems);
  if (shown.size() > (16u << 10) || shown.find("/tmp/crucible-jail-") != std::string::npos) std::abort();
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) std::abort();
  }
  return 0;
}
