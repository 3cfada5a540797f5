#include "env/backend/cpu/machine.h"

#include <sched.h>

#include <iterator>
#include <vector>

#include "env/backend/cpu/device_name.h"

namespace crucible {
namespace {

constexpr std::ptrdiff_t kMostHelping = 7;  // dealing is memory traffic: a few cores have all of it

}  // namespace

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
    std::vector<int> helping(machine.cpus.begin() + 1, machine.cpus.end());
    if (std::ssize(helping) > kMostHelping) helping.erase(helping.begin(), helping.end() - kMostHelping);
    machine.crew = std::make_shared<Crew>(helping);
  } else {
    machine.timed_cpus = machine.cpus;
    machine.crew = std::make_shared<Crew>(std::vector<int>{});
  }
  return machine;
}

}  // namespace crucible
