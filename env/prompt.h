#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "env/environment.h"

namespace crucible {

/// No observation of a step is longer than this many bytes.
inline constexpr std::size_t kFeedbackBytes = 8 * 1024;

/// "rows=1024 D=4096 bf16 strided": a public workload as a person reads it.
std::string describe(const Workload& workload);

/// `text` cut to at most `limit` bytes at a UTF-8 boundary, with a note of how much was cut. Bytes that are not UTF-8
/// and control characters other than newline and tab become '?', so what a candidate printed cannot move a cursor.
std::string bounded_text(std::string_view text, std::size_t limit);

/// Every line of `text` behind `prefix`, so that quoted text cannot be taken for ours.
std::string quoted(std::string_view text, std::string_view prefix);

}  // namespace crucible
