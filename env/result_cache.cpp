#include "env/result_cache.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "env/record.h"

namespace crucible {

ResultCache::ResultCache(std::string directory) : directory_(std::move(directory)) {}

bool ResultCache::keeps(Verdict verdict) {
  return verdict == Verdict::correct || verdict == Verdict::wrong_result || verdict == Verdict::compile_error;
}

std::string ResultCache::file_of(const std::string& key) const { return directory_ + "/" + key + ".json"; }

std::optional<Evaluation> ResultCache::find(const std::string& key) {
  std::lock_guard guard(mutex_);
  if (const auto at = entries_.find(key); at != entries_.end()) return at->second;
  if (directory_.empty()) return std::nullopt;
  std::ifstream in(file_of(key), std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  try {
    Record record = record_from_json(text.str());
    if (record.id != key || !keeps(record.evaluation.verdict)) return std::nullopt;
    return entries_.emplace(key, std::move(record.evaluation)).first->second;
  } catch (const std::exception&) {
    return std::nullopt;  // torn or corrupt: the evaluation is made again and overwrites it
  }
}

void ResultCache::store(const std::string& key, const Evaluation& evaluation) {
  if (!keeps(evaluation.verdict)) return;
  std::lock_guard guard(mutex_);
  entries_[key] = evaluation;
  if (directory_.empty()) return;
  Record record;
  record.id = key;
  record.evaluation = evaluation;
  std::error_code ignored;
  std::filesystem::create_directories(directory_, ignored);
  const std::string fresh = file_of(key) + "." + std::to_string(::getpid());
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << to_json(record);
    if (!out) return;  // a full disk costs speed, not truth
  }
  std::filesystem::rename(fresh, file_of(key), ignored);
}

}  // namespace crucible
