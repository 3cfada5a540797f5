#include "sandbox/jail/child.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>

#include "sandbox/jail/bpf.h"
#include "sandbox/jail/descriptors.h"
#include "sandbox/jail/landlock.h"
#include "sandbox/jail/limits.h"
#include "sandbox/jail/seccomp_profiles.h"

namespace crucible {
namespace {

void check(long result, const char* step) {
  if (result != 0) throw std::system_error(errno, std::generic_category(), step);
}

void fresh_session() {
  ::setsid();
  ::umask(0077);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  check(::sigprocmask(SIG_SETMASK, &none, nullptr), "sigprocmask");
}

void drop_privileges(const JailPlan& plan) {
  // Whatever uid follows, an exec must not bring a capability back.
  for (int capability = 0; capability < 64; ++capability) ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  ::prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED, 0, 0, 0);
  if (plan.walls.own_uid && !plan.walls.user_namespace && !plan.spec.trusted) {
    check(::setgroups(0, nullptr), "setgroups");
    check(::setresgid(plan.walls.uid, plan.walls.uid, plan.walls.uid), "setresgid");
    check(::setresuid(plan.walls.uid, plan.walls.uid, plan.walls.uid), "setresuid");
  }
  // After the uid change, which clears it: the process dies with the init whatever happens.
  check(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "PR_SET_PDEATHSIG");
}

void confine_files(const JailPlan& plan, const JailView& view, int helper) {
  LandlockRules rules;
  if (helper >= 0) rules.grant_reading(helper);
  for (const std::string& path : plan.spec.readable) rules.grant_reading(path);
  for (const std::string& path : plan.spec.devices) rules.grant_device(path);
  if (!view.work_directory.empty()) rules.grant_everything(view.work_directory);
  // The CUDA driver names its threads by truncating /proc/self/task/*/comm, and reads its own maps.
  if (plan.spec.profile == SeccompProfile::device) rules.grant_everything("/proc");
  rules.enforce();
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

void raise_walls(const JailPlan& plan, const JailView& view, ChildDescriptors& descriptors) {
  fresh_session();
  std::vector<std::pair<int, int>> wanted = {{descriptors.input, 0}, {descriptors.output, 1}, {descriptors.output, 2}};
  if (descriptors.handshake >= 0) wanted.emplace_back(descriptors.handshake, kHandshakeDescriptor);
  for (std::size_t i = 0; i < plan.spec.descriptor_targets.size(); ++i)
    if (plan.spec.descriptor_targets[i] >= 0)
      wanted.emplace_back(InitDescriptors::first_passed + static_cast<int>(i), plan.spec.descriptor_targets[i]);
  if (plan.spec.helper.empty()) descriptors.helper = -1;
  keep_only(wanted, {&descriptors.helper, &descriptors.status});

  if (!view.work_directory.empty()) check(::chdir(view.work_directory.c_str()), "chdir to the work directory");
  if (!plan.spec.cpus.empty() && !set_affinity(0, plan.spec.cpus))
    throw std::system_error(errno, std::generic_category(), "sched_setaffinity");
  drop_privileges(plan);
  JailLimits limits = plan.spec.limits;
  if (!plan.walls.counts_processes) limits.processes = 0;  // it would count what the user runs outside: the init counts
  apply_limits(limits);
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  if (plan.walls.landlock && !plan.spec.trusted) confine_files(plan, view, descriptors.helper);
  check(install_seccomp(first_stage(plan.spec.profile), false), "seccomp");
}

}  // namespace

void become_jailed(const JailPlan& plan, const JailView& view, ChildDescriptors descriptors) {
  try {
    raise_walls(plan, view, descriptors);
    if (plan.spec.helper.empty() && plan.spec.program.empty()) ::_exit(0);  // a probe: the walls stand
    const std::vector<char*> arguments = pointers(plan.spec.arguments);
    const std::vector<char*> environment = pointers(plan.spec.environment);
    if (descriptors.helper >= 0) {
      ::syscall(SYS_execveat, descriptors.helper, "", arguments.data(), environment.data(), AT_EMPTY_PATH);
      throw std::system_error(errno, std::generic_category(), "exec of " + plan.spec.helper);
    }
    ::execve(plan.spec.program.c_str(), arguments.data(), environment.data());
    throw std::system_error(errno, std::generic_category(), "exec of " + plan.spec.program);
  } catch (const std::exception& error) {
    const std::string text = error.what();
    [[maybe_unused]] const ssize_t written = ::write(descriptors.status, text.data(), text.size());
  }
  ::_exit(125);
}

}  // namespace crucible
