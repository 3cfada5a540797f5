#include "reward/presets/preset.h"
#include "reward/terms/correctness.h"

// AutoTriton (2025): C·1[the kernel is written in the required language]. Crucible's compile jail accepts one language
// per backend and its contract forbids library calls, so a correct candidate is in the required language unless the
// number says otherwise. Uncertain: the original detects the language from the text.

namespace crucible {
namespace {

void pay(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const double in_language = settings.numbers.at("in_required_language");
  pay_total(price_of(Verdict::correct, settings) * in_language,
            in_language != 0 ? "written in the required language" : "not written in the required language", settings,
            terms);
}

}  // namespace

std::vector<Preset> autotriton_presets() {
  return {{"autotriton",
           "C·1[required language] (AutoTriton)",
           {{"in_required_language", 1, 0, 1, "1: the candidate is in the required language"}},
           flat_prices(0, 1),
           pay}};
}

}  // namespace crucible
