#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <stop_token>
#include <vector>

#include "env/candidate.h"
#include "env/pool/pipeline.h"

namespace crucible {

enum class Stage : std::uint8_t { validate, compile, check, time, record };
inline constexpr std::size_t kStages = 5;

/// Somebody who waits for the outcome of a flight.
struct Waiter {
  std::uint64_t ticket = 0;
  std::uint64_t owner = 0;
  int priority = 0;
  bool joined = false;  ///< it asked what another had asked before
};

/// One evaluation on its way through a pipeline, and everybody who asked for it. Guarded by the pipeline's mutex, but
/// for question and candidate, which belong to the worker while `running`.
struct Flight {
  Question question;    ///< until admitted
  Candidate candidate;  ///< from then on
  std::stop_source stop;
  std::vector<Waiter> waiters;
  Stage stage = Stage::validate;
  bool running = false;
  bool admitted = false;        ///< its key is known; it may be among the flights that others join
  bool holds_artifact = false;  ///< counts against the artifact limit
  std::exception_ptr error;

  int priority() const {
    int highest = waiters.empty() ? 0 : waiters.front().priority;
    for (const Waiter& waiter : waiters) highest = highest < waiter.priority ? waiter.priority : highest;
    return highest;
  }
};

using FlightPtr = std::shared_ptr<Flight>;

}  // namespace crucible
