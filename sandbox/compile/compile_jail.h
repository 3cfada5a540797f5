#pragma once

#include <stop_token>

#include "sandbox/jail/start_jail.h"
#include "sandbox/warden/warden.h"

namespace crucible {

/// Compiles hostile text in a jail of its own. Blocks. Throws Cancelled when `stop` fires; WardenLost or
/// std::runtime_error when no jail can be had.
CompileResult compile_in_jail(const CompileRequest& request, const StartJail& start_jail, std::stop_token stop);

}  // namespace crucible
