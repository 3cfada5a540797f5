#include <cstdint>
#include <cstdlib>
#include <string>

#include "sandbox/compile/plain_text.h"
#include "sandbox/compile/preprocessed.h"

/// A preprocessed text in which a candidate wrote what it liked, and a dependency list, divided by a NUL.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crucible;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\0');
  const std::string preprocessed = text.substr(0, end);
  const std::string dependencies = end == std::string::npos ? std::string() : text.substr(end + 1);
  listed_files(dependencies);
  if (own_lines(preprocessed, dependencies).size() > (1u << 20) + 1) std::abort();
  plain_text(preprocessed, dependencies, "candidate.cpp");
  return 0;
}
