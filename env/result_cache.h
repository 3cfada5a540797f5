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

  std::optional<Evaluation> find(const std::string& key);
  void store(const std::string& key, const Evaluation& evaluation);

  /// Whether an evaluation with this verdict may be kept.
  static bool keeps(Verdict verdict);

 private:
  std::string file_of(const std::string& key) const;

  std::string directory_;
  std::mutex mutex_;
  std::map<std::string, Evaluation> entries_;
};

}  // namespace crucible
