#pragma once

#include "reward/novelty/program.h"

namespace crucible::novelty {

/// Copies callees into their callers, so that code that was moved into functions means what it meant in place: every
/// call has its own values, its own local objects, and loops nested in the caller's. Recursion, and what would grow the
/// program beyond its bounds, is joined instead: one body for all calls. Needs Program::loops.
void inline_calls(Program& program);

}  // namespace crucible::novelty
