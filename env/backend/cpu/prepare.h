#pragma once

#include <memory>
#include <string>

#include "env/judge/prepared_task.h"

namespace crucible {

/// Pools, bars and calibration of `task`. Throws ConfigError when no case or no timed workload remains.
std::unique_ptr<PreparedTask> prepare_task(Warden& warden, const Machine& machine, std::shared_ptr<const Task> task,
                                           const std::string& secret, const CheckPoint& check_point);

}  // namespace crucible
