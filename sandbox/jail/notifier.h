#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "sandbox/file_descriptor.h"
#include "sandbox/jail/finding.h"

namespace crucible {

/// Answers a candidate runner's seccomp notifications and turns them into evidence. Runs in the init, outside the
/// candidate's reach. Only one call is ever let through: the loader's first open of the artifact, made while nothing of
/// the candidate runs yet; so no race on the path's memory can be won.
class Notifier {
 public:
  Notifier(FileDescriptor listener, std::string artifact_path, pid_t target);

  struct Observation {
    std::optional<JailFinding> finding;
    bool forbidden = false;  ///< the target must die; `number` and `detail` say for what
    int number = 0;
    std::string detail;
  };

  /// Takes one waiting notification and answers it unless it is forbidden. Empty when there was none, or nothing worth
  /// reporting.
  Observation handle();
  int descriptor() const { return listener_.get(); }
  void close() { listener_.reset(); }

 private:
  struct Call;
  void answer(const Call& call, int error, bool proceed = false);
  Observation opened(const Call& call);
  Observation affinity(const Call& call);
  std::string text_at(const Call& call, std::uint64_t address) const;
  std::string describe(const Call& call) const;

  FileDescriptor listener_;
  std::string artifact_path_;
  pid_t target_;
  bool artifact_opened_ = false;
};

}  // namespace crucible
