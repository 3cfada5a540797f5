#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "reward/evaluation.h"

namespace crucible {

/// Answers repeated sources. Holds only what repeating could not change: correct, wrong_result and compile_error. In
/// memory, and as one file an entry under `directory` (empty: memory only), so that another process of the same run
/// answers too. A file that does not parse, or belongs to another key, is ignored. Thread-safe.
class ResultCache {
 public:
  explicit ResultCache(std::string directory);

  /// What is known of a source: the facts, and the bytes of its features (to_bytes), from which its novelty is assessed
  /// again, because the archive may have grown. Empty for sources that were never compiled.
  struct Entry {
    Evaluation evaluation;
    std::string features;
  };

  std::optional<Entry> find(const std::string& key);
  void store(const std::string& key, const Evaluation& evaluation, const std::string& features = {});

  /// Whether an evaluation with this verdict may be kept.
  static bool keeps(Verdict verdict);

 private:
  std::string file_of(const std::string& key, const std::string& ending) const;
  void write(const std::string& key, const std::string& ending, const std::string& bytes) const;

  std::string directory_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace crucible
