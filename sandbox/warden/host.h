#pragma once

#include <map>
#include <string>
#include <vector>

#include "sandbox/file_descriptor.h"

namespace crucible {

/// The helper executables and the few host facts that the warden looks up once, before anything hostile runs.
class Host {
 public:
  /// Throws std::system_error when the folder or its init is missing.
  explicit Host(const std::string& libexec);

  /// An open executable of libexec, by plain name. Throws std::runtime_error when there is none.
  int executable(const std::string& name);
  /// The shared libraries (and the loader) that a helper (by name) or an installed program (by path) maps at its start.
  /// Empty for a missing program.
  const std::vector<std::string>& libraries(const std::string& program);
  int null() const { return null_.get(); }
  const std::string& libexec() const { return libexec_; }

 private:
  std::string libexec_;
  FileDescriptor folder_;
  FileDescriptor null_;
  std::map<std::string, FileDescriptor> executables_;
  std::map<std::string, std::vector<std::string>> libraries_;
};

}  // namespace crucible
