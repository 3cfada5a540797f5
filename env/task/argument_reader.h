#pragma once

#include <string>
#include <vector>

#include "env/task/declaration.h"
#include "env/task/yaml_reader.h"

namespace crucible {

/// The arguments that a task file declares under "arguments", in order. `axes` are the names that shapes may use.
/// Throws ConfigError.
std::vector<ArgumentDeclaration> read_arguments(const YamlSection& task, const std::vector<std::string>& axes);

/// One extent, its axes checked.
Extent read_extent(const YamlSection& section, const std::string& key, const std::string& text,
                   const std::vector<std::string>& axes);

/// A dtype by name.
DType read_dtype(const YamlSection& section, const std::string& key, const std::string& name);

}  // namespace crucible
