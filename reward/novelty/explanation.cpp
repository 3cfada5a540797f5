#include "reward/novelty/explanation.h"

#include <algorithm>
#include <cmath>

namespace crucible::novelty {
namespace {

bool has(const KernelFeatures& kernel, const std::string& name) {
  return std::any_of(kernel.techniques.begin(), kernel.techniques.end(),
                     [&](const Technique& t) { return t.name == name; });
}

/// "a", "a and b", "a, b and c"; at most `most` of them.
std::string listed(const std::vector<std::string>& items, std::size_t most) {
  std::string out;
  const std::size_t count = std::min(items.size(), most);
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += i + 1 == count ? " and " : ", ";
    out += items[i];
  }
  return out;
}

std::string percent(double share) { return std::to_string(static_cast<int>(std::lround(100 * share))) + " %"; }

}  // namespace

std::string shown(const Technique& technique) {
  return technique.line > 0 ? technique.name + " (line " + std::to_string(technique.line) + ")" : technique.name;
}

std::vector<std::string> shared_techniques(const KernelFeatures& candidate, const KernelFeatures& known) {
  std::vector<std::string> out;
  for (const Technique& t : candidate.techniques)
    if (has(known, t.name)) out.push_back(shown(t));
  return out;
}

std::string sentence(const KernelFeatures& candidate, const KnownKernel* nearest, const NoveltyFacts& facts) {
  if (nearest == nullptr) return "Nothing is known for this task yet, so this kernel counts as new.";
  std::vector<std::string> fresh;
  for (const Technique& t : candidate.techniques)
    if (!has(nearest->features, t.name)) fresh.push_back(shown(t));
  std::string out;
  const double score = facts.score.value_or(0);
  if (score <= 0)
    out = "This is a form of the known kernel \"" + nearest->name + "\" (similarity " + percent(facts.similarity) + ")";
  else if (score < 1)
    out = "This resembles the known kernel \"" + nearest->name + "\" (similarity " + percent(facts.similarity) + ")";
  else
    out =
        "No known kernel is close: the nearest, \"" + nearest->name + "\", has similarity " + percent(facts.similarity);
  const auto shared = shared_techniques(candidate, nearest->features);
  if (!shared.empty()) out += "; both use " + listed(shared, 4);
  if (!fresh.empty()) out += (shared.empty() ? "; it alone uses " : ", this one alone ") + listed(fresh, 3);
  return out + ".";
}

}  // namespace crucible::novelty
