#include "sandbox/jail/seccomp_profiles.h"

#include <asm/sockios.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>

#include "sandbox/jail/bpf.h"
#include "sandbox/jail/system_calls.h"

namespace crucible {
namespace {

constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kWhole = 0xffffffff;
constexpr std::uint32_t kSyscallUserDispatch = 59;
constexpr std::uint32_t kSetVma = 0x53564d41;

constexpr std::uint32_t refuse(int error) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error); }

constexpr std::uint32_t kNewNamespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

// Stop and continue signals would let a runner undo the judge's stop, or fake it.
std::vector<ArgumentTest> own_signals(unsigned signal_argument, pid_t self) {
  std::vector<ArgumentTest> tests;
  for (const int number : {SIGSTOP, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU})
    tests.push_back({signal_argument, kWhole, static_cast<std::uint32_t>(number), refuse(EPERM)});
  tests.push_back({0, kWhole, static_cast<std::uint32_t>(self), kAllow});
  return tests;
}

void allow_and_refuse(SeccompProgram& program) {
  for (const NamedCall& call : harmless_calls()) program.rule(call.number, kAllow);

  // Refused without accusation: libraries try them and live with the answer.
  for (const int number :
       {SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr, SYS_setpriority,   SYS_ioprio_set,
        SYS_setrlimit,          SYS_timer_create,   SYS_memfd_create,  SYS_set_mempolicy, SYS_mbind,
        SYS_get_mempolicy,      SYS_setsid,         SYS_setpgid,       SYS_inotify_init1, SYS_signalfd4,
        SYS_timerfd_create,     SYS_sendfile,       SYS_splice,        SYS_tee,           SYS_vmsplice,
        SYS_copy_file_range,    SYS_fallocate,      SYS_ftruncate,     SYS_flock,         SYS_fadvise64,
        SYS_readahead})
    program.rule(number, refuse(EPERM));
  for (const int number : {SYS_pkey_alloc, SYS_pkey_free, SYS_pkey_mprotect}) program.rule(number, refuse(ENOSYS));
  for (const int number : {SYS_renameat2, SYS_mkdirat, SYS_linkat, SYS_unlinkat, SYS_symlinkat, SYS_mknodat,
                           SYS_fchmodat, SYS_fchmod, SYS_fchownat, SYS_fchown, SYS_truncate, SYS_utimensat,
                           SYS_readlinkat, SYS_chdir, SYS_fchdir, SYS_statfs, SYS_fstatfs})
    program.rule(number, refuse(EACCES));
#if defined(__x86_64__)
  for (const int number : {SYS_rename, SYS_renameat, SYS_mkdir, SYS_rmdir, SYS_link, SYS_unlink, SYS_symlink, SYS_mknod,
                           SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_readlink})
    program.rule(number, refuse(EACCES));
#endif
}

}  // namespace

std::vector<sock_filter> first_stage(SeccompProfile profile) {
  SeccompProgram program;
  // Of two filters' answers the refusal wins over the notification: the second stage must find these calls untouched.
  if (profile == SeccompProfile::loading) return program.build(kAllow);
  for (const NamedCall& call : host_calls()) {
    if (profile == SeccompProfile::trusted && call.number == SYS_personality) continue;
    program.rule(call.number, refuse(EPERM));
  }
  program.rule(SYS_clone3, refuse(ENOSYS));  // its flags lie in memory, out of a filter's reach: libc falls back
  std::vector<ArgumentTest> namespaces;
  for (std::uint32_t bit = 1; bit != 0; bit <<= 1)
    if ((kNewNamespaces & bit) != 0) namespaces.push_back({0, bit, bit, refuse(EPERM)});
  program.rule(SYS_clone, namespaces, kAllow);
  if (profile == SeccompProfile::toolchain) {
    for (const int number : {SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept4})
      program.rule(number, refuse(EACCES));
    program.rule(SYS_ioctl, {{1, kWhole, TIOCSTI, refuse(EPERM)}}, kAllow);
  }
  if (profile == SeccompProfile::device) {
    // The CUDA driver does not start without Unix sockets; nothing needs another family.
    program.rule(SYS_socket, {{0, kWhole, AF_UNIX, kAllow}}, refuse(EACCES));
    program.rule(SYS_ioctl, {{1, kWhole, TIOCSTI, refuse(EPERM)}}, kAllow);
  }
  return program.build(kAllow);
}

std::vector<sock_filter> second_stage(pid_t self, Notice notice) {
  const std::uint32_t forbid = notice == Notice::listener ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_KILL_PROCESS;
  const std::uint32_t open = notice == Notice::listener ? SECCOMP_RET_USER_NOTIF : kAllow;

  SeccompProgram program;
  allow_and_refuse(program);
  for (const int number : {static_cast<int>(SYS_openat), static_cast<int>(SYS_openat2), static_cast<int>(SYS_open),
                           static_cast<int>(SYS_creat)})
    program.rule(number, open);

  // Executable memory comes from the artifact alone: the init refuses the rest and reports it. Shared memory of its own
  // would escape the data limit.
  const std::uint32_t executable = notice == Notice::listener ? SECCOMP_RET_USER_NOTIF : refuse(EACCES);
  program.rule(
      SYS_mmap,
      {{3, MAP_ANONYMOUS, 0, kAllow}, {2, PROT_EXEC, PROT_EXEC, executable}, {3, MAP_TYPE, MAP_PRIVATE, kAllow}},
      refuse(EPERM));
  program.rule(SYS_mprotect, {{2, PROT_EXEC, PROT_EXEC, executable}}, kAllow);
  program.rule(SYS_clone3, refuse(ENOSYS));
  program.rule(SYS_clone, {{0, CLONE_THREAD, CLONE_THREAD, kAllow}}, forbid);
  program.rule(SYS_kill, own_signals(1, self), forbid);
  program.rule(SYS_tgkill, own_signals(2, self), forbid);
  program.rule(SYS_personality, {{0, kWhole, kWhole, kAllow}}, forbid);
  // Its own limits only: they cannot be raised, and lowering them harms nobody else.
  program.rule(SYS_prlimit64, {{0, kWhole, 0, kAllow}, {0, kWhole, static_cast<std::uint32_t>(self), kAllow}}, forbid);
  program.rule(SYS_sched_setaffinity, {{0, kWhole, 0, refuse(EPERM)}},
               notice == Notice::listener ? SECCOMP_RET_USER_NOTIF : refuse(EPERM));
  program.rule(SYS_prctl,
               {{0, kWhole, PR_SET_NAME, kAllow},
                {0, kWhole, PR_GET_NAME, kAllow},
                {0, kWhole, PR_GET_DUMPABLE, kAllow},
                {0, kWhole, PR_GET_TIMERSLACK, kAllow},
                {0, kWhole, kSetVma, kAllow},
                {0, kWhole, kSyscallUserDispatch, forbid},
                {0, kWhole, PR_SET_SECCOMP, forbid},
                {0, kWhole, PR_SET_MM, forbid},
                {0, kWhole, PR_SET_PTRACER, forbid}},
               refuse(EPERM));
  program.rule(SYS_fcntl,
               {{1, kWhole, F_SETOWN, forbid},
                {1, kWhole, F_SETOWN_EX, forbid},
                {1, kWhole, F_SETSIG, forbid},
                {1, kWhole, F_NOTIFY, forbid},
                {1, kWhole, F_SETLEASE, forbid},
                {1, kWhole, F_ADD_SEALS, forbid},
                {2, O_ASYNC, 0, kAllow},
                {1, kWhole, F_SETFL, forbid}},
               kAllow);
  program.rule(SYS_ioctl,
               {{1, kWhole, FIOASYNC, forbid},
                {1, kWhole, FIOSETOWN, forbid},
                {1, kWhole, TCGETS, kAllow},
                {1, kWhole, FIONREAD, kAllow},
                {1, kWhole, FIONBIO, kAllow}},
               refuse(ENOTTY));
  // The one message that hands this filter's listener to the init; afterwards the descriptor is closed for good.
  program.rule(SYS_sendmsg, {{0, kWhole, kHandshakeDescriptor, kAllow}}, forbid);
  // Without a listener closed_files() must still be able to follow.
  if (notice == Notice::kill) program.rule(SYS_seccomp, kAllow);
  for (const NamedCall& call : forbidden_calls()) program.rule(call.number, forbid);
  return program.build(refuse(ENOSYS));
}

std::vector<sock_filter> no_new_programs() {
  SeccompProgram program;
  for (const int number : {SYS_execve, SYS_execveat}) program.rule(number, refuse(EPERM));
#if defined(__x86_64__)
  for (const int number : {SYS_fork, SYS_vfork}) program.rule(number, refuse(EPERM));
#endif
  program.rule(SYS_clone3, refuse(ENOSYS));
  program.rule(SYS_clone, {{0, CLONE_THREAD, CLONE_THREAD, kAllow}}, refuse(EPERM));
  return program.build(kAllow);
}

std::vector<sock_filter> closed_files() {
  SeccompProgram program;
  for (const int number : {static_cast<int>(SYS_openat), static_cast<int>(SYS_openat2), static_cast<int>(SYS_open),
                           static_cast<int>(SYS_creat)})
    program.rule(number, refuse(EACCES));
  return program.build(kAllow);
}

}  // namespace crucible
