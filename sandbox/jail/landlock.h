#pragma once

#include <string>
#include <vector>

#include "sandbox/file_descriptor.h"

namespace crucible {

/// Landlock's version on this host; 0 where it is missing or switched off.
int landlock_version();

/// A rule set that refuses every access to files (and, where the version knows them, TCP, abstract sockets and signals
/// to outside) except what is granted. Raw system calls: no library needed.
class LandlockRules {
 public:
  /// Throws std::system_error where Landlock is missing.
  LandlockRules();
  void grant_reading(const std::string& path);  ///< read, list and execute beneath; a missing path grants nothing
  void grant_reading(int file);                 ///< the same for an open file, wherever it lies
  void grant_device(const std::string& path);   ///< read, write and ioctl of one node
  void grant_everything(const std::string& path);
  /// Confines the calling thread for good. Needs no_new_privs. Throws std::system_error.
  void enforce();

 private:
  void grant(const std::string& path, unsigned long long access);
  void grant(int fd, unsigned long long access, const std::string& name);
  FileDescriptor rules_;
  unsigned long long handled_ = 0;
};

}  // namespace crucible
