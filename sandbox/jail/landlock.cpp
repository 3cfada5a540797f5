#include "sandbox/jail/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace crucible {
namespace {

// Declared here because older kernel headers know only the first version.
struct RulesetAttributes {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};
struct __attribute__((packed)) PathBeneath {
  std::uint64_t allowed_access;
  std::int32_t parent_fd;
};
constexpr unsigned kVersionFlag = 1;
constexpr int kPathBeneath = 1;

constexpr std::uint64_t kExecute = 1 << 0, kWriteFile = 1 << 1, kReadFile = 1 << 2, kReadDir = 1 << 3;
constexpr std::uint64_t kVersion1 = (1 << 13) - 1, kRefer = 1 << 13, kTruncate = 1 << 14, kIoctlDevice = 1 << 15;
constexpr std::uint64_t kOnFiles = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDevice;

std::uint64_t handled_files(int version) {
  std::uint64_t access = kVersion1;
  if (version >= 2) access |= kRefer;
  if (version >= 3) access |= kTruncate;
  if (version >= 5) access |= kIoctlDevice;
  return access;
}

}  // namespace

int landlock_version() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersionFlag);
  return version > 0 ? static_cast<int>(version) : 0;
}

LandlockRules::LandlockRules() {
  const int version = landlock_version();
  RulesetAttributes attributes{handled_files(version), 0, 0};
  std::size_t size = sizeof attributes.handled_access_fs;
  if (version >= 4) {
    attributes.handled_access_net = 3;  // bind and connect of TCP
    size = 2 * sizeof(std::uint64_t);
  }
  if (version >= 6) {
    attributes.scoped = 3;  // abstract Unix sockets and signals stay inside
    size = sizeof attributes;
  }
  handled_ = attributes.handled_access_fs;
  rules_ = FileDescriptor(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!rules_) throw std::system_error(errno, std::generic_category(), "landlock_create_ruleset");
}

void LandlockRules::grant(const std::string& path, unsigned long long access) {
  FileDescriptor parent(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (parent) grant(parent.get(), access, path);
}

void LandlockRules::grant(int fd, unsigned long long access, const std::string& name) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return;
  access &= handled_;
  if (!S_ISDIR(status.st_mode)) access &= kOnFiles;
  const PathBeneath rule{access, fd};
  if (::syscall(SYS_landlock_add_rule, rules_.get(), kPathBeneath, &rule, 0) != 0)
    throw std::system_error(errno, std::generic_category(), "landlock_add_rule for " + name);
}

void LandlockRules::grant_reading(const std::string& path) { grant(path, kExecute | kReadFile | kReadDir); }
void LandlockRules::grant_reading(int file) { grant(file, kExecute | kReadFile, "an open file"); }
void LandlockRules::grant_device(const std::string& path) { grant(path, kReadFile | kWriteFile | kIoctlDevice); }
void LandlockRules::grant_everything(const std::string& path) { grant(path, ~0ull); }

void LandlockRules::enforce() {
  if (::syscall(SYS_landlock_restrict_self, rules_.get(), 0) != 0)
    throw std::system_error(errno, std::generic_category(), "landlock_restrict_self");
}

}  // namespace crucible
