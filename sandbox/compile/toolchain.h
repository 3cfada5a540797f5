#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace crucible {

/// Absolute path of a host program. Throws std::runtime_error when it is not installed.
std::string find_program(const std::string& name);

/// Every folder that a host toolchain may need to read; production libraries lie in them too.
std::vector<std::string> toolchain_paths();

/// What the host's C++ toolchain reads, file by file where libraries of others lie beside: no vendor library can be
/// seen, embedded or linked.
struct HostToolchain {
  std::vector<std::string> readable;
  std::vector<std::string> programs;  ///< their shared libraries are needed too
};
HostToolchain host_toolchain();

/// The first file of a dependency list that is neither the candidate (`main_file`), nor crucible/kernel.h, nor a header
/// of the compiler or of the C library; empty when there is none. The list is written by the preprocessor from the
/// files that it really opened, so nothing in the text can hide one. Files beneath `prefix` (a compiler installed
/// apart) are the compiler's. Pure.
std::string foreign_header(std::string_view dependencies, const std::string& main_file, const std::string& prefix);

/// Where a compiler outside /usr is installed ("/opt/gcc-14" for /opt/gcc-14/bin/g++); empty for the distribution's.
std::string foreign_prefix(const std::string& compiler);

/// Folder with crucible/kernel.h: CRUCIBLE_INCLUDE, else _include beside libexec.
std::string include_directory();

}  // namespace crucible
