#include "reward/evaluation.h"

#include <array>

namespace crucible {
namespace {

constexpr std::array<std::pair<TimingMode, std::string_view>, 4> kModes = {{
    {TimingMode::none, "none"},
    {TimingMode::chain, "chain"},
    {TimingMode::reveal, "reveal"},
    {TimingMode::interval, "interval"},
}};

}  // namespace

std::string_view to_string(TimingMode mode) {
  for (const auto& [value, name] : kModes) {
    if (value == mode) return name;
  }
  return "none";
}

std::optional<TimingMode> timing_mode_from_string(std::string_view name) {
  for (const auto& [value, known] : kModes) {
    if (known == name) return value;
  }
  return std::nullopt;
}

double Evaluation::passed_share() const {
  int counted = 0, whole = 0;
  for (const FamilyOutcome& family : families) {
    if (!family.counted || family.cases <= 0) continue;
    ++counted;
    if (family.passed >= family.cases) ++whole;
  }
  return counted == 0 ? 0.0 : static_cast<double>(whole) / counted;
}

}  // namespace crucible
