#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <vector>

#include "sandbox/jail/spec.h"

namespace crucible {

/// The first stage: in force from the program's first instruction on. Refuses (EPERM) what could harm the host.
std::vector<sock_filter> first_stage(SeccompProfile profile);

/// How the second stage answers what it does not simply allow or refuse.
enum class Notice {
  listener,  ///< forbidden calls and every open go to the init, which records the evidence
  kill,      ///< no listener on this host: forbidden calls kill, opens stay possible (until `closed_files`)
};

/// The second stage of a candidate's runner: what an honest kernel needs, and nothing else. `self` is its own pid, the
/// only one that it may signal.
std::vector<sock_filter> second_stage(pid_t self, Notice notice);

/// For a runner with a device driver in it, before it loads an artifact: threads may still start, programs and
/// processes may not.
std::vector<sock_filter> no_new_programs();

/// After loading, where there is no listener: opens fail with EACCES.
std::vector<sock_filter> closed_files();

}  // namespace crucible
