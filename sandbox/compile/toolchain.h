#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace crucible {

/// Absolute path of a host program. Throws std::runtime_error when it is not installed.
std::string find_program(const std::string& name);

/// What a host toolchain needs to read, and nothing that a candidate could learn from.
std::vector<std::string> toolchain_paths();

/// The first file of a dependency list that is neither the candidate (`main_file`), nor crucible/kernel.h, nor a header
/// of the compiler or of the C library; empty when there is none. The list is written by the preprocessor from the
/// files that it really opened, so nothing in the text can hide one. Pure.
std::string foreign_header(std::string_view dependencies, const std::string& main_file);

/// Folder with crucible/kernel.h: CRUCIBLE_INCLUDE, else _include beside libexec.
std::string include_directory();

}  // namespace crucible
