#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "sandbox/file_descriptor.h"
#include "sandbox/jail/report.h"

namespace crucible {

/// The owner's end of a jail: talks to its init directly. Not thread-safe. Destroying it ends the jail.
class JailProcess {
 public:
  explicit JailProcess(FileDescriptor owner_socket) : socket_(std::move(owner_socket)) {}

  /// Returns when the program runs. Throws std::runtime_error with the init's reason when a wall could not be raised.
  void await_start();

  bool stop();
  void resume();
  void kill();
  void set_affinity(const std::vector<int>& cpus);

  /// Takes what has arrived, without blocking. True when the jail has ended.
  bool ended();
  /// Blocks until the jail ended, the time is over or `stop` fires; true when it ended.
  bool wait(std::chrono::milliseconds patience, std::stop_token stop = {});
  /// Ends it if need be; a jail whose init vanished reports FateKind::lost.
  const JailReport& finish();

  std::string output();
  const std::vector<JailFinding>& findings() const { return findings_; }
  /// Files handed over so far, by name.
  std::map<std::string, FileDescriptor>& files() { return files_; }

 private:
  void take(struct Datagram& message);
  bool wait_for(char type, std::chrono::milliseconds patience);

  FileDescriptor socket_;
  std::optional<JailReport> report_;
  std::vector<JailFinding> findings_;
  std::map<std::string, FileDescriptor> files_;
  std::string captured_;
  std::string failure_;
  char last_ = 0;
};

}  // namespace crucible
