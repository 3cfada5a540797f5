#pragma once

#include <stop_token>

#include "sandbox/jail/start_jail.h"
#include "sandbox/warden/warden.h"

namespace crucible {

/// Compiles hostile text in a jail of its own. Blocks. Throws Cancelled when `stop` fires; WardenLost or
/// std::runtime_error when no jail can be had.
CompileResult compile_in_jail(const CompileRequest& request, const StartJail& start_jail, std::stop_token stop);

/// Folder with crucible/kernel.h: CRUCIBLE_INCLUDE, else _include beside libexec.
std::string include_directory();

/// What a host toolchain needs to read, and nothing that a candidate could learn from.
std::vector<std::string> toolchain_paths();

}  // namespace crucible
