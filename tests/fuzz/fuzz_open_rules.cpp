#include <cstdint>
#include <cstdlib>
#include <string>

#include "sandbox/jail/open_rules.h"

/// The path that a candidate asks to open, as the notifier reads it from the candidate's memory: always refused, and
/// what is held against it is named. The first two bytes are flags.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crucible;
  if (size < 2) return 0;
  const std::string path(reinterpret_cast<const char*>(data) + 2, size - 2);
  const OpenJudgement judgement = judge_open(path, data[0] | std::uint64_t{data[1]} << 8, 1234);
  if (judgement.error <= 0) std::abort();
  if (judgement.finding && (judgement.finding->kind.empty() || judgement.finding->evidence.size() > 8192)) std::abort();
  return 0;
}
