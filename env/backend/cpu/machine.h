#pragma once

#include "env/judge/prepared_task.h"

namespace crucible {

/// Divides the cores of this process's affinity: kernels use all of them; where there are at least two, the judge spins
/// on the first and a runner timed by reveal is confined to the last. Pins the calling thread to the judge's core.
Machine claim_machine();

}  // namespace crucible
