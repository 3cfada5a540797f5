#include "env/backend/cpu/machine.h"

#include <sched.h>

#include "env/backend/cpu/device_name.h"

namespace crucible {
Machine claim_machine() {
  Machine machine;
  machine.cpus = allowed_cpus();
  machine.device_name = cpu_device_name();
  if (machine.cpus.size() >= 2) {
    machine.judge_cpu = machine.cpus.front();
    machine.timed_cpus = {machine.cpus.back()};
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(machine.judge_cpu, &set);
    ::sched_setaffinity(0, sizeof set, &set);
  } else {
    machine.timed_cpus = machine.cpus;
  }
  return machine;
}

}  // namespace crucible
