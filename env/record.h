#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
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

/// True when record.settings, applied to record.evaluation again, give record.reward and its terms bit for bit. Throws
/// std::invalid_argument when the settings are no valid reward model.
bool reward_agrees(const Record& record);

/// Appends to `path` in one write under a lock, fsync'd: acknowledged means kept. Several processes may append; a torn
/// last line left by a kill is closed off first. Throws ConfigError naming the path when the system refuses.
void append_record(const std::string& path, const Record& record);
/// The same for several, in order, with one write and one sync for all: all of them are kept, or none.
void append_records(const std::string& path, std::span<const Record* const> records);

struct ReadRecords {
  std::vector<Record> records;
  std::size_t torn = 0;               ///< lines cut short by a kill, skipped
  std::vector<std::string> problems;  ///< other lines that were skipped: "records.jsonl:17: …"
};
/// Reads what can be read. Throws ConfigError when the file cannot be opened.
ReadRecords read_records(const std::string& path);

}  // namespace crucible
