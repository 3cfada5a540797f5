#include "sandbox/jail/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <system_error>

#include "sandbox/file_descriptor.h"

namespace crucible {
namespace {

// The new root is mounted over /proc, which always exists and from which nothing is bound; the old one goes with it.
constexpr const char* kNewRoot = "/proc";
constexpr const char* kWork = "/work";

#ifndef MOUNT_ATTR_RDONLY
struct mount_attr {
  std::uint64_t attr_set, attr_clr, propagation, userns_fd;
};
#define MOUNT_ATTR_RDONLY 0x1
#define MOUNT_ATTR_NOSUID 0x2
#define MOUNT_ATTR_NODEV 0x4
#endif

[[noreturn]] void fail(const std::string& step) { throw std::system_error(errno, std::generic_category(), step); }

void mount_or_fail(const char* source, const std::string& target, const char* type, unsigned long flags,
                   const char* data) {
  if (::mount(source, target.c_str(), type, flags, data) != 0) fail("mount of " + target);
}

void make_folders(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
    ::mkdir(path.substr(0, slash).c_str(), 0755);
}

void make_read_only(const std::string& target) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (::syscall(SYS_mount_setattr, AT_FDCWD, target.c_str(), AT_RECURSIVE, &attributes, sizeof attributes) == 0) return;
  // Before Linux 5.12, keeping the flags that a user namespace may not clear.
  struct statvfs status;
  unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV;
  if (::statvfs(target.c_str(), &status) == 0) {
    if ((status.f_flag & ST_NOEXEC) != 0) flags |= MS_NOEXEC;
    if ((status.f_flag & ST_NOATIME) != 0) flags |= MS_NOATIME;
    if ((status.f_flag & ST_RELATIME) != 0) flags |= MS_RELATIME;
  }
  mount_or_fail(nullptr, target, nullptr, flags, nullptr);
}

// Repeats in the new root every symbolic link on the way to `path`, and returns where the path really leads.
std::string repeat_links(std::string path) {
  for (int depth = 0; depth < 40; ++depth) {
    bool followed = false;
    for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
      const std::string prefix = path.substr(0, slash);
      char target[PATH_MAX];
      const ssize_t length = ::readlink(prefix.c_str(), target, sizeof target - 1);
      if (length > 0) {
        const std::string link(target, static_cast<std::size_t>(length));
        make_folders(kNewRoot + prefix);
        if (::symlink(link.c_str(), (kNewRoot + prefix).c_str()) != 0 && errno != EEXIST) fail("symlink " + prefix);
        const std::string rest = slash == std::string::npos ? "" : path.substr(slash);
        const std::string folder = prefix.substr(0, prefix.rfind('/'));
        path = (link.front() == '/' ? link : folder + "/" + link) + rest;
        followed = true;
        break;
      }
      if (slash == std::string::npos) break;
    }
    if (!followed) break;
  }
  char real[PATH_MAX];
  return ::realpath(path.c_str(), real) != nullptr ? real : std::string();
}

void bind(const std::string& path, bool device) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return;
  const std::string real = repeat_links(path);
  if (real.empty()) return;
  const std::string target = kNewRoot + real;
  make_folders(target);
  if (S_ISDIR(status.st_mode)) {
    if (::mkdir(target.c_str(), 0755) != 0 && errno != EEXIST) fail("mkdir " + target);
  } else {
    FileDescriptor file(::open(target.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    if (!file) return;  // already there, beneath a folder bound before
  }
  mount_or_fail(real.c_str(), target, nullptr, MS_BIND | MS_REC, nullptr);
  if (!device) make_read_only(target);
}

// A fresh /proc shows only the jail's pid namespace. Some containers refuse it: the caller lives without.
bool mount_proc() {
  const std::string target = std::string(kNewRoot) + "/proc";
  if (::mkdir(target.c_str(), 0555) != 0) return false;
  return ::mount("proc", target.c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0;
}

void pivot() {
  if (::chdir(kNewRoot) != 0) fail("chdir to the new root");
  if (::syscall(SYS_pivot_root, ".", ".") != 0) fail("pivot_root");
  if (::umount2(".", MNT_DETACH) != 0) fail("detaching the old root");
  if (::chdir("/") != 0) fail("chdir /");
}

}  // namespace

JailView enter_root(const JailPlan& plan) {
  JailView view;
  if (plan.spec.trusted || !plan.walls.mount_namespace) {
    view.has_proc = ::access("/proc/self/fd", F_OK) == 0;
    if (plan.spec.work_directory_bytes != 0) view.work_directory = plan.walls.scratch_directory;
    return view;
  }
  mount_or_fail(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  // The links are read and the binds made from the host's paths while the new root grows beneath /proc.
  mount_or_fail("tmpfs", kNewRoot, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0755");
  for (const std::string& path : plan.spec.readable) bind(path, false);
  for (const std::string& path : plan.spec.devices) bind(path, true);
  if (plan.spec.private_proc && plan.walls.pid_namespace) view.has_proc = mount_proc();
  if (plan.spec.work_directory_bytes != 0) {
    const std::string target = std::string(kNewRoot) + kWork;
    if (::mkdir(target.c_str(), 0755) != 0) fail("mkdir " + target);
    const std::string data = "size=" + std::to_string(plan.spec.work_directory_bytes) + ",mode=0700,nr_inodes=4096";
    mount_or_fail("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, data.c_str());
    view.work_directory = kWork;
  }
  pivot();
  if (::mount(nullptr, "/", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) != 0)
    fail("making the root read-only");
  return view;
}

}  // namespace crucible
