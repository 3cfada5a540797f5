#pragma once

#include <set>
#include <string>
#include <string_view>

namespace crucible {

/// From a preprocessed translation unit the lines that the candidate wrote itself: what lies outside every included
/// file. A candidate can write markers of its own to disguise its text as a header's; so only files that the compiler's
/// dependency list (`dependencies`, make syntax) names and that are entered once count as headers. Cut at 1 MiB. Pure.
std::string own_lines(const std::string& preprocessed, const std::string& dependencies);

/// The files that a dependency list in make syntax names. Pure.
std::set<std::string> listed_files(std::string_view dependencies);

}  // namespace crucible
