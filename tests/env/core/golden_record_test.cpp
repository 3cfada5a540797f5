#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "env/record.h"

using namespace crucible;

// tests/golden/records.jsonl was written once and is kept: a record of yesterday must be paid the same, bit for bit, by
// the code of today. When a formula changes on purpose, it is a new model or a new parameter, not a new golden file.

TEST_CASE("every golden record is read, and its reward recomputed bit for bit") {
  const ReadRecords golden = read_records(std::string(CRUCIBLE_GOLDEN_DIR) + "/records.jsonl");
  CHECK(golden.torn == 0);
  CHECK(golden.problems.empty());
  std::set<std::string> models;
  std::set<Verdict> verdicts;
  for (const Record& record : golden.records) {
    CAPTURE(record.id);
    models.insert(record.settings.model);
    verdicts.insert(record.evaluation.verdict);
    CHECK(reward_agrees(record));
  }
  CHECK(models.size() == reward_model_names().size());
  CHECK(verdicts.size() == kAllVerdicts.size());
}

TEST_CASE("a golden record is written again as the same bytes") {
  std::ifstream lines(std::string(CRUCIBLE_GOLDEN_DIR) + "/records.jsonl");
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) CHECK(to_json(record_from_json(line)) == line);
  CHECK(count > 40);
}
