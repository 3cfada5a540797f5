#pragma once

#include <string>
#include <vector>

#include "env/judge/prepared_task.h"

namespace crucible {

/// Calibrated baseline times of one task on one machine, kept between processes. Keyed by device, cores, task file and
/// the plug-ins' bytes: a change of any makes it another file. Holds nothing secret. A file that does not parse is
/// ignored and made again.
class CalibrationFile {
 public:
  CalibrationFile(const Machine& machine, const Task& task, const std::vector<BaselinePlugin>& plugins);

  /// Fills mode, baseline and times of `timed`; false when unknown, or when its baseline is not among `admitted`.
  bool load(TimedWorkload& timed, const std::vector<BaselinePlugin>& admitted) const;

  /// Adds one workload and writes the file anew (atomically).
  void store(const TimedWorkload& timed);

 private:
  std::string path_;
  std::string text_;
};

}  // namespace crucible
