#pragma once

#include <string_view>
#include <vector>

#include "reward/novelty/program.h"

/// Words of PTX.
namespace crucible::novelty::ptx {

std::string_view trimmed(std::string_view text);

/// Commas inside brackets and braces do not separate.
std::vector<std::string_view> separated(std::string_view text);

/// The words of `ld.global.v4.f32`.
std::vector<std::string_view> dotted(std::string_view text);

Type type_of_suffix(std::string_view suffix);

/// The canonical name of an arithmetic instruction; empty when it is another kind of instruction.
std::string_view arithmetic(std::string_view operation);

}  // namespace crucible::novelty::ptx
