#pragma once

#include <array>
#include <cstddef>

namespace crucible {

/// Who may work while a clock runs in this machine's few cores: nobody. Work of ours (hashing, novelty, records) and
/// clocks take turns; after a clock every kind of work that has waited goes first, once, so neither side starves.
/// Not thread-safe: its user's mutex guards it.
class QuietTurns {
 public:
  enum Kind : std::size_t { admission, recording };

  /// Not `strict`: there are cores enough, everybody may always work.
  explicit QuietTurns(bool strict) : strict_(strict) {}

  bool may_work(Kind kind) const { return !strict_ || (!clock_ && (!wanted_ || owed_[kind])); }
  void begin_work() { ++working_; }
  void end_work(Kind kind) {
    --working_;
    owed_[kind] = false;
  }

  /// A clock waits from want_clock() on; then, once may_start_clock(), it runs between start_clock() and end_clock().
  /// Both are told which kinds of work are waiting.
  void want_clock() { wanted_ = true; }
  bool may_start_clock(bool admission_waits, bool recording_waits) const {
    return !strict_ ||
           (working_ == 0 && !(owed_[admission] && admission_waits) && !(owed_[recording] && recording_waits));
  }
  void start_clock() {
    wanted_ = false;
    clock_ = true;
  }
  void end_clock(bool admission_waits, bool recording_waits) {
    clock_ = false;
    owed_ = {strict_ && admission_waits, strict_ && recording_waits};
  }

 private:
  bool strict_;
  bool clock_ = false;
  bool wanted_ = false;
  std::array<bool, 2> owed_{};
  int working_ = 0;
};

}  // namespace crucible
