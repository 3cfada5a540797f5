#pragma once

#include <string>

#include "env/judge/prepared_task.h"
#include "env/judge/roof.h"

namespace crucible {

/// Streams over working sets of 16 KiB to 64 MiB and runs of fused multiply-adds on the core where runners are timed:
/// the fastest of several of each. About half a second. The calling thread returns to the cores it had.
MachineRoof measure_roof(const Machine& machine);

/// The machine's roof, from the cache folder where it was measured before (a file named by device and cores, no secret
/// in it), else measured and kept there.
MachineRoof known_roof(const Machine& machine);

/// The roof as JSON, and back; throws std::invalid_argument for what is no roof.
std::string to_json(const MachineRoof& roof);
MachineRoof roof_from_json(const std::string& text);

}  // namespace crucible
