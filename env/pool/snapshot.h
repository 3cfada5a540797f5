#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "reward/verdict.h"

namespace crucible {

/// One stage of a pipeline at one moment.
struct StageSnapshot {
  std::string name;         ///< "validate", "compile", "check", "time", "record"
  std::size_t workers = 0;  ///< how many candidates it can have at once
  std::size_t running = 0;  ///< how many it has
  std::size_t waiting = 0;  ///< how many wait for it
  std::uint64_t done = 0;   ///< how many left it, whatever the outcome
  double busy_seconds = 0;  ///< of all its workers together
};

/// A pipeline at one moment. Counts are since its start.
struct PipelineSnapshot {
  std::vector<StageSnapshot> stages;  ///< in the order a candidate takes
  std::string device;                 ///< "AMD EPYC …, 2 cores"
  std::string device_does;            ///< "idle", or the stage and the task it is busy with
  double device_share = 0;            ///< how far it is with that, 0 to 1
  std::uint64_t submitted = 0;
  std::uint64_t answered = 0;   ///< delivered, the expired included
  std::uint64_t cancelled = 0;  ///< withdrawn before an answer was ready
  std::uint64_t expired = 0;    ///< answered with infrastructure_error because their deadline passed
  std::uint64_t cached = 0;     ///< answered from the result cache
  std::uint64_t shared = 0;     ///< answered by the evaluation of an equal question that was in flight
  std::uint64_t retries = 0;    ///< stages tried again for reasons of ours
  std::map<Verdict, std::uint64_t> verdicts;
  std::size_t artifacts = 0;       ///< compiled candidates that wait for the device or are compiled now
  std::size_t artifact_limit = 0;  ///< no compilation starts beyond it
  double seconds = 0;              ///< since the start
  double answers_per_second = 0;   ///< over the last minute (or since the start)
};

}  // namespace crucible
