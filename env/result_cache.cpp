#include "env/result_cache.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "env/digested.h"
#include "env/record.h"

namespace crucible {
namespace {

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

ResultCache::ResultCache(std::string directory) : directory_(std::move(directory)) {}

bool ResultCache::keeps(Verdict verdict) {
  return verdict == Verdict::correct || verdict == Verdict::wrong_result || verdict == Verdict::compile_error;
}

std::string ResultCache::file_of(const std::string& key, const std::string& ending) const {
  return directory_ + "/" + key + ending;
}

std::optional<ResultCache::Entry> ResultCache::find(const std::string& key) {
  std::lock_guard guard(mutex_);
  if (const auto at = entries_.find(key); at != entries_.end()) return at->second;
  if (directory_.empty()) return std::nullopt;
  const std::string text = checked_body(slurp(file_of(key, ".json")));
  if (text.empty()) return std::nullopt;
  try {
    Record record = record_from_json(text);
    if (record.id != key || !keeps(record.evaluation.verdict)) return std::nullopt;
    return entries_.emplace(key, Entry{std::move(record.evaluation), checked_body(slurp(file_of(key, ".features")))})
        .first->second;
  } catch (const std::exception&) {
    return std::nullopt;  // torn or corrupt: the evaluation is made again and overwrites it
  }
}

void ResultCache::write(const std::string& key, const std::string& ending, const std::string& bytes) const {
  const std::string fresh = file_of(key, ending) + "." + std::to_string(::getpid());
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << with_digest(bytes);
    if (!out) return;  // a full disk costs speed, not truth
  }
  std::error_code ignored;
  std::filesystem::rename(fresh, file_of(key, ending), ignored);
}

void ResultCache::store(const std::string& key, const Evaluation& evaluation, const std::string& features) {
  if (!keeps(evaluation.verdict)) return;
  std::lock_guard guard(mutex_);
  entries_[key] = Entry{evaluation, features};
  if (directory_.empty()) return;
  Record record;
  record.id = key;
  record.evaluation = evaluation;
  std::error_code ignored;
  std::filesystem::create_directories(directory_, ignored);
  if (!features.empty()) write(key, ".features", features);
  write(key, ".json", to_json(record));
}

}  // namespace crucible
