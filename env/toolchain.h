#pragma once

#include <string>
#include <vector>

namespace crucible {

/// A compiler and how candidates are compiled with it (CONTRACTS.md, "Compiling").
struct Toolchain {
  std::vector<std::string> arguments;  ///< argv[0] is an absolute path
  std::string version;                 ///< "g++ 12.2.0"
};

/// The host compiler: CRUCIBLE_CXX, else g++ on the PATH. Throws ConfigError when there is none.
Toolchain cpu_toolchain();

/// nvcc (sandbox/compile/cuda finds it); argv[0] alone. Throws ConfigError when there is none.
Toolchain cuda_toolchain();

/// Hex SHA-256 of a file's bytes; of nothing when it cannot be read.
std::string file_digest(const std::string& path);

}  // namespace crucible
