#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "env/evaluator.h"
#include "env/pool/snapshot.h"
#include "env/record.h"
#include "reward/reward_model.h"

namespace crucible {

/// A pool's side of the run directory, beside its secret:
///   records.jsonl        every evaluation (docs/record.md)
///   configuration.json   {"sessions": […]}: what each pool that used the directory was asked for; one more when
///   resumed status/PID-N.json    this pool at this moment, replaced atomically (docs/pool.md) summary.json totals over
///   all records, whoever wrote them; goes on where the last session stopped
/// keep() throws ConfigError when the records cannot be written. The other files are for people: what cannot be written
/// is left out. Thread-safe.
class RunJournal {
 public:
  RunJournal(const Evaluator& evaluator, const std::vector<std::string>& tasks, std::size_t environments,
             std::uint32_t max_turns, const RewardSettings& reward);

  void keep(const std::vector<const Record*>& records);
  void tell(const PipelineSnapshot& now);
  void end(const PipelineSnapshot& last);

  const std::string& status_file() const { return status_file_; }

 private:
  void write_status(const char* state, const PipelineSnapshot& now) const;

  std::string run_;
  std::string status_file_;
  std::vector<std::string> tasks_;
  std::size_t environments_;
  std::string began_;
  std::mutex mutex_;
  unsigned told_ = 0;
};

/// Brings RUN/summary.json up to date with RUN/records.jsonl, reading only what was added since. Returns its text.
std::string update_summary(const std::string& run_directory);

}  // namespace crucible
