#pragma once

#include <stdexcept>

#include "env/judge/session.h"

namespace crucible {

/// A candidate's runner was ended by something outside (SIGKILL by nobody of ours, or it could not be stopped in time).
/// One such end says nothing about the candidate: what was being done is done again in a fresh runner.
struct RunnerStruck : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Ends the session of a runner that has ended or is to end, and says how. Throws RunnerStruck, or std::runtime_error
/// when its jail vanished: then the end is not the candidate's doing.
inline Fate own_end(RunnerSession& session) {
  Fate fate = session.finish();
  if (fate.kind == FateKind::lost) throw std::runtime_error("the jail of a runner vanished: " + to_string(fate));
  if (struck_from_outside(fate) || (fate.kind == FateKind::killed && fate.detail.empty()))
    throw RunnerStruck("a runner was " + to_string(fate));
  return fate;
}

}  // namespace crucible
