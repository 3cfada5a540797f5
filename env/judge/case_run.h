#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "env/judge/deal.h"
#include "env/judge/session.h"

namespace crucible {

/// What one call of one case did.
struct CaseOutcome {
  CallOutcome call;
  std::optional<CallContents> outputs;  ///< in the entry's own order; present when the call returned 0
  std::optional<StrayWrite> stray;
};

/// A place for one call of a case in the session's arena. Two calls at one place see the same addresses.
Slot place_case(RunnerSession& session, const PoolCase& pool_case, Choice& choice);

/// Deals `hand` into a slot of the session's arena, performs one call and stops the runner. The session must be ready
/// and stopped; it is stopped again afterwards unless the runner ended.
CaseOutcome run_case(RunnerSession& session, const PoolCase& pool_case, const Hand& hand, const Slot& slot,
                     Choice& choice, std::chrono::milliseconds deadline);

/// Red zone around storages in correctness cases, bytes.
inline constexpr std::size_t kCaseRedZone = 4096;

/// The pair of arguments through which a call's output can be fed to the next call: the first output (or inout) tensor,
/// and the input it can take the place of. Empty where no input has its dtype and shape.
struct Feed {
  std::size_t output = 0;
  std::size_t input = 0;
};
std::optional<Feed> output_feed(const CallLayout& layout);

/// Judges such a sequence from the bytes that its calls left behind: `left` after the first one, dealt entry `entry`,
/// `last` after the second. Returns why it is wrong; empty when it is right.
std::string reject_sequence(const PoolCase& pool_case, std::size_t entry, const Feed& feed, const CallContents& left,
                            const CallContents& last);

/// Two calls without a stop between them, the second reading what the first wrote (an output-fed sequence). Returns why
/// the sequence is wrong, judged from the bytes that the first call left behind; empty when it is right. `outcome`
/// receives how the calls ended.
std::string run_sequence(RunnerSession& session, const PoolCase& pool_case, std::size_t entry, Choice& choice,
                         std::chrono::milliseconds deadline, CallOutcome& outcome);

}  // namespace crucible
