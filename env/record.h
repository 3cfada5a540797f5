#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reward/evaluation.h"
#include "reward/reward_model.h"

namespace crucible {

inline constexpr int kRecordSchema = 1;

/// One evaluation on disk: facts, source, and the reward that was paid with the settings that made it.
struct Record {
  Evaluation evaluation;
  std::string source;  ///< the very bytes that were given
  Reward reward;
  RewardSettings settings;
  std::uint32_t turn = 0;
  std::string time_utc;  ///< ISO 8601
  std::string id;        ///< unique within the run directory
};

/// One line of JSON without the newline; doubles round-trip exactly, NaN and unmeasured values are null.
std::string to_json(const Record& record);
/// The object `crucible evaluate --json` prints.
std::string evaluation_json(const Record& record);
/// Throws ConfigError naming the field.
Record record_from_json(std::string_view line);

/// Appends to `path` in one write under a lock, fsync'd: acknowledged means kept. Several processes may append; a torn
/// last line left by a kill is closed off first.
void append_record(const std::string& path, const Record& record);

struct ReadRecords {
  std::vector<Record> records;
  std::size_t torn = 0;               ///< torn lines that were skipped
  std::vector<std::string> problems;  ///< "records.jsonl:17: …"
};
ReadRecords read_records(const std::string& path);

}  // namespace crucible
