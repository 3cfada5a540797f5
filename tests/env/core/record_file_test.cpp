#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "env/config_error.h"
#include "tests/env/core/sample_record.h"

using namespace crucible;
using namespace crucible::testing;
namespace fs = std::filesystem;

namespace {

/// A folder of its own, gone afterwards.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/crucible records XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string file() const { return path_ / "records.jsonl"; }

 private:
  fs::path path_;
};

std::string bytes_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

Record numbered(int number) {
  Record record = sample_record();
  record.id = std::to_string(number);
  return record;
}

}  // namespace

TEST_CASE("appended records are read in order") {
  const Folder folder;
  for (int i = 0; i < 5; ++i) append_record(folder.file(), numbered(i));
  const ReadRecords read = read_records(folder.file());
  REQUIRE(read.records.size() == 5);
  for (int i = 0; i < 5; ++i) CHECK(read.records[i].id == std::to_string(i));
  CHECK(read.torn == 0);
  CHECK(read.problems.empty());
}

TEST_CASE("a kill at any byte loses nothing that was acknowledged, and later appends are whole") {
  const Folder folder;
  append_record(folder.file(), numbered(0));
  const std::string first = bytes_of(folder.file());
  append_record(folder.file(), numbered(1));
  const std::string both = bytes_of(folder.file());
  for (std::size_t kept = first.size(); kept <= both.size();
       kept += kept < first.size() + 20 || kept + 20 > both.size() ? 1 : 37) {
    CAPTURE(kept);
    std::ofstream(folder.file(), std::ios::binary | std::ios::trunc) << both.substr(0, kept);
    // A whole line that only lacks its newline is a whole record.
    const std::size_t whole = kept + 1 >= both.size() ? 2 : 1;
    const std::size_t torn = kept == first.size() || whole == 2 ? 0 : 1;
    ReadRecords read = read_records(folder.file());
    CHECK(read.records.size() == whole);
    CHECK(read.torn == torn);
    append_record(folder.file(), numbered(2));
    read = read_records(folder.file());
    CHECK(read.records.size() == whole + 1);
    CHECK(read.records.back().id == "2");
    CHECK(read.torn == torn);
    CHECK(read.problems.empty());
  }
}

TEST_CASE("a line that is whole but wrong is named with file and line") {
  const Folder folder;
  append_record(folder.file(), numbered(0));
  std::ofstream(folder.file(), std::ios::app) << "{\"schema\": 99}\n\nnot json\n";
  append_record(folder.file(), numbered(1));
  const ReadRecords read = read_records(folder.file());
  CHECK(read.records.size() == 2);
  CHECK(read.torn == 0);
  REQUIRE(read.problems.size() == 2);
  CHECK(read.problems[0].find("records.jsonl:2: schema: this is schema 99") != std::string::npos);
  CHECK(read.problems[1].find("records.jsonl:4: record: not JSON") != std::string::npos);
}

TEST_CASE("several processes and threads append without mixing lines") {
  const Folder folder;
  constexpr int kProcesses = 4, kEach = 25;
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 0;
      try {
        for (int i = 0; i < kEach; ++i) append_record(folder.file(), numbered(p * kEach + i));
      } catch (...) {
        status = 1;
      }
      ::_exit(status);
    }
    children.push_back(child);
  }
  std::thread here([&] {
    for (int i = 0; i < kEach; ++i) append_record(folder.file(), numbered(kProcesses * kEach + i));
  });
  here.join();
  for (pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  const ReadRecords read = read_records(folder.file());
  std::set<std::string> ids;
  for (const Record& record : read.records) ids.insert(record.id);
  CHECK(ids.size() == (kProcesses + 1) * kEach);
  CHECK(read.records.size() == ids.size());
  CHECK(read.torn == 0);
  CHECK(read.problems.empty());
}

TEST_CASE("a file that cannot be opened is named") {
  CHECK_THROWS_AS(read_records("/nonexistent/records.jsonl"), ConfigError);
  CHECK_THROWS_WITH_AS(append_record("/nonexistent/records.jsonl", sample_record()),
                       doctest::Contains("/nonexistent/records.jsonl"), ConfigError);
  if (fs::exists("/dev/full")) CHECK_THROWS_AS(append_record("/dev/full", sample_record()), ConfigError);
}

TEST_CASE("an empty file holds no records") {
  const Folder folder;
  std::ofstream(folder.file()).flush();
  CHECK(read_records(folder.file()).records.empty());
}
