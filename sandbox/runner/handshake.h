#pragma once

#include <string>

namespace crucible {

/// Enters the second seccomp stage and hands its listener to the init, which from then on sees every open and every
/// forbidden call; the loader's open of `artifact_path` is the one that it lets through. False where the host has no
/// listeners: forbidden calls kill, and close_files() must follow the load. Exits when not even that can be had.
bool enter_second_stage(const std::string& artifact_path);

/// Without a listener: no file can be opened any more.
void close_files();

}  // namespace crucible
