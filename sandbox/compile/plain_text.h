#pragma once

#include <string>

namespace crucible {

/// A translation unit as it says what the code computes, without what the author told the optimizer.
struct PlainText {
  std::string text;       ///< preprocessed C++, for a compile of its own; lines keep their numbers
  bool directed = false;  ///< something was taken out
};

/// Takes out of the candidate's own lines of a preprocessed translation unit whatever only keeps a compiler from seeing
/// through the code: attributes against inlining and for single functions' flags, `volatile`, empty inline assembly
/// that launders a value, `#pragma GCC optimize`, and the candidate's own line markers, which could write into dumps.
/// Two kernels that differ in such words compute the same in the same way. The text is for analysis and is never run:
/// taking out `volatile` may change what a racy program does. `file_name` is the candidate's name in markers. Pure.
PlainText plain_text(const std::string& preprocessed, const std::string& dependencies, const std::string& file_name);

}  // namespace crucible
