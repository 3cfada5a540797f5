#include "reward/verdict.h"

#include <utility>

namespace crucible {
namespace {

constexpr std::array<std::pair<Verdict, std::string_view>, kAllVerdicts.size()> kNames = {{
    {Verdict::malformed, "malformed"},
    {Verdict::compile_error, "compile_error"},
    {Verdict::compile_timeout, "compile_timeout"},
    {Verdict::load_error, "load_error"},
    {Verdict::crashed, "crashed"},
    {Verdict::timed_out, "timed_out"},
    {Verdict::wrong_result, "wrong_result"},
    {Verdict::integrity_violation, "integrity_violation"},
    {Verdict::not_deployable, "not_deployable"},
    {Verdict::correct, "correct"},
    {Verdict::infrastructure_error, "infrastructure_error"},
}};

constexpr std::array kPrecedence = {
    Verdict::infrastructure_error, Verdict::integrity_violation, Verdict::malformed, Verdict::compile_error,
    Verdict::compile_timeout,      Verdict::load_error,          Verdict::crashed,   Verdict::timed_out,
    Verdict::wrong_result,         Verdict::not_deployable,      Verdict::correct,
};
static_assert(kPrecedence.size() == kAllVerdicts.size());

}  // namespace

std::string_view to_string(Verdict verdict) {
  for (const auto& [value, name] : kNames) {
    if (value == verdict) return name;
  }
  return "unknown";
}

std::optional<Verdict> verdict_from_string(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

Verdict prevailing(Verdict a, Verdict b) {
  for (Verdict verdict : kPrecedence) {
    if (verdict == a || verdict == b) return verdict;
  }
  return a;
}

}  // namespace crucible
