#include "sandbox/jail/limits.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

namespace crucible {
namespace {

void limit(int resource, rlim_t value, const char* name) {
  rlimit current{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &current) != 0)
    throw std::system_error(errno, std::generic_category(), name);
  value = std::min(value, current.rlim_max);  // never above what the host grants
  const rlimit wanted{value, value};
  if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &wanted) != 0)
    throw std::system_error(errno, std::generic_category(), name);
}

}  // namespace

void apply_limits(const JailLimits& limits) {
  // One byte is too small for a dump and, unlike zero, also keeps the kernel from starting a crash reporter by pipe.
  limit(RLIMIT_CORE, 1, "RLIMIT_CORE");
  limit(RLIMIT_MSGQUEUE, 0, "RLIMIT_MSGQUEUE");
  if (limits.address_space != 0) limit(RLIMIT_AS, limits.address_space, "RLIMIT_AS");
  if (limits.data != 0) limit(RLIMIT_DATA, limits.data, "RLIMIT_DATA");
  if (limits.file_size != 0) limit(RLIMIT_FSIZE, limits.file_size, "RLIMIT_FSIZE");
  if (limits.open_files != 0) limit(RLIMIT_NOFILE, limits.open_files, "RLIMIT_NOFILE");
  if (limits.processes != 0) limit(RLIMIT_NPROC, limits.processes, "RLIMIT_NPROC");
  if (limits.cpu_seconds != 0) limit(RLIMIT_CPU, limits.cpu_seconds, "RLIMIT_CPU");
  if (limits.stack != 0) limit(RLIMIT_STACK, limits.stack, "RLIMIT_STACK");
}

bool set_affinity(pid_t task, const std::vector<int>& cpus) {
  if (cpus.empty()) return true;
  const int highest = *std::max_element(cpus.begin(), cpus.end());
  cpu_set_t* set = CPU_ALLOC(highest + 1);
  const std::size_t size = CPU_ALLOC_SIZE(highest + 1);
  CPU_ZERO_S(size, set);
  for (const int cpu : cpus) CPU_SET_S(cpu, size, set);
  const bool done = ::sched_setaffinity(task, size, set) == 0;
  CPU_FREE(set);
  return done;
}

void avoid_cpus(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpus.empty() || ::sched_getaffinity(0, sizeof set, &set) != 0) return;
  for (const int cpu : cpus)
    if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_CLR(cpu, &set);
  if (CPU_COUNT(&set) > 0) ::sched_setaffinity(0, sizeof set, &set);
}

}  // namespace crucible
