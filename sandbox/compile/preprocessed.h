#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace crucible {

/// Where one line of a preprocessed translation unit comes from.
enum class LineOrigin {
  own,     ///< the candidate wrote it
  header,  ///< inside an included file, the markers there and the one that enters it included
  marker,  ///< a linemarker outside every included file, or the one that leads back
};

/// Visits every line of a preprocessed translation unit in order, without its newline. A candidate can write markers of
/// its own to disguise its text as a header's; so only files that the compiler's dependency list (`dependencies`, make
/// syntax) names and that are entered once count as headers.
void for_each_origin(const std::string& preprocessed, const std::string& dependencies,
                     const std::function<void(std::string_view line, LineOrigin origin)>& visit);

/// The lines that the candidate wrote itself. Cut at 1 MiB. Pure.
std::string own_lines(const std::string& preprocessed, const std::string& dependencies);

/// The files that a dependency list in make syntax names. Pure.
std::set<std::string> listed_files(std::string_view dependencies);

}  // namespace crucible
