#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace crucible {

/// How the evaluation of one candidate ended. A closed set: whatever a candidate does is one of these values;
/// exceptions are for our own bugs and for bad configuration.
enum class Verdict : std::uint8_t {
  malformed,             ///< refused before compiling: empty, too large, NUL, not UTF-8, no code block
  compile_error,         ///< compiler or linker said no; a missing entry point included
  compile_timeout,       ///< the compiler exceeded its wall-clock limit
  load_error,            ///< dlopen or module load failed
  crashed,               ///< a signal, an uncaught exception, exit() from inside a call
  timed_out,             ///< a call exceeded its deadline
  wrong_result,          ///< at least one case failed
  integrity_violation,   ///< deterministic evidence of cheating
  not_deployable,        ///< right, but production could not run it
  correct,               ///< right in every case
  infrastructure_error,  ///< our failure; never scored, never the candidate's fault
};

inline constexpr std::array kAllVerdicts = {
    Verdict::malformed,      Verdict::compile_error, Verdict::compile_timeout,      Verdict::load_error,
    Verdict::crashed,        Verdict::timed_out,     Verdict::wrong_result,         Verdict::integrity_violation,
    Verdict::not_deployable, Verdict::correct,       Verdict::infrastructure_error,
};

/// The enumerator's name, as it appears in records.
std::string_view to_string(Verdict verdict);

/// The inverse of to_string; empty when `name` is no verdict.
std::optional<Verdict> verdict_from_string(std::string_view name);

/// The verdict that prevails when both apply: infrastructure_error > integrity_violation > malformed > compile_error >
/// compile_timeout > load_error > crashed > timed_out > wrong_result > not_deployable > correct.
Verdict prevailing(Verdict a, Verdict b);

}  // namespace crucible
