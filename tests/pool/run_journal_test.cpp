#include "env/pool/run_journal.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

using namespace crucible;

namespace {

struct Folder {
  std::string path = "/tmp/crucible-journal-test-" + std::to_string(::getpid());
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

Record record(Verdict verdict, double reward, const std::string& id) {
  Record made;
  made.id = id;
  made.evaluation.task = "rms_norm";
  made.evaluation.verdict = verdict;
  made.source = "int x;";
  made.reward.reward = reward;
  return made;
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the summary counts every record once, however often it is brought up to date") {
  const Folder folder;
  const std::string records = folder.path + "/records.jsonl";
  append_record(records, record(Verdict::correct, 0.5, "a"));
  append_record(records, record(Verdict::wrong_result, 0.02, "b"));
  CHECK(says(update_summary(folder.path), "\"records\": 2"));
  CHECK(says(update_summary(folder.path), "\"records\": 2"));
  append_record(records, record(Verdict::correct, 0.75, "c"));
  append_record(records, record(Verdict::infrastructure_error, std::numeric_limits<double>::quiet_NaN(), "d"));
  const std::string text = update_summary(folder.path);
  CHECK(says(text, "\"records\": 4"));
  CHECK(says(text, "\"correct\": 2"));
  CHECK(says(text, "\"best_reward\": 0.75"));
  CHECK(says(text, "\"best_record\": \"c\""));
  CHECK(says(text, "\"rewards\": 3"));  // what is no sample is in no mean
}

TEST_CASE("a line that is still being written is counted when it is whole") {
  const Folder folder;
  const std::string records = folder.path + "/records.jsonl";
  const std::string line = to_json(record(Verdict::correct, 0.5, "a"));
  std::ofstream(records) << line << "\n" << line.substr(0, 40);
  CHECK(says(update_summary(folder.path), "\"records\": 1"));
  std::ofstream(records, std::ios::app) << line.substr(40) << "\n";
  CHECK(says(update_summary(folder.path), "\"records\": 2"));
}

TEST_CASE("a summary of other records, or a damaged one, is made anew") {
  const Folder folder;
  append_record(folder.path + "/records.jsonl", record(Verdict::correct, 0.5, "a"));
  std::ofstream(folder.path + "/summary.json") << "{\"records\": 99, \"records_bytes\": 99999999}";
  CHECK(says(update_summary(folder.path), "\"records\": 1"));
  std::ofstream(folder.path + "/summary.json") << "{\"records\": 99, \"rec";
  CHECK(says(update_summary(folder.path), "\"records\": 1"));
}

TEST_CASE("several records are appended in one go, in order") {
  const Folder folder;
  const Record first = record(Verdict::correct, 0.5, "a"), second = record(Verdict::crashed, 0, "b");
  const Record* both[] = {&first, &second};
  append_records(folder.path + "/records.jsonl", both);
  append_records(folder.path + "/records.jsonl", {});
  const ReadRecords read = read_records(folder.path + "/records.jsonl");
  REQUIRE(read.records.size() == 2);
  CHECK(read.records[0].id == "a");
  CHECK(read.records[1].id == "b");
}
