#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "env/novelty_stage.h"

namespace crucible {

/// Answers how new a source is, and keeps archives, without evaluating anything: a compile in the jail, no judge, no
/// device. Starts a warden when first needed. Not thread-safe.
class NoveltyDesk {
 public:
  /// `backend` is "cpu" or "cuda" (needs nvcc, no GPU). Throws ConfigError for another, or when there is no compiler.
  NoveltyDesk(std::string backend, std::string config_directory, std::string libexec);

  /// Facts about `source` as a kernel of `task`. An empty `archive` compares with the package's known set and the
  /// user's archive; a named one is the whole known set. Throws ConfigError when the source is malformed or does not
  /// compile (with the compiler's words), or the archive is not there.
  NoveltyFacts assess(const std::string& task, std::string_view source, const std::string& archive,
                      std::stop_token stop = {});

  /// Adds `source` to an archive (made when missing) under `name` (empty: drawn from its hash) and returns the name.
  std::string add(const std::string& task, std::string_view source, const std::string& name, const std::string& archive,
                  std::stop_token stop = {});

 private:
  KernelFeatures features(const std::string& task, std::string_view source, std::stop_token stop);

  std::string backend_;
  std::string libexec_;
  Toolchain toolchain_;
  std::shared_ptr<Warden> warden_;
  std::unique_ptr<NoveltyStage> stage_;
};

}  // namespace crucible
