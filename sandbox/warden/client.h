#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <span>
#include <string>

#include "sandbox/warden/channel.h"
#include "sandbox/warden/messages.h"
#include "sandbox/warden/warden.h"

namespace crucible {

/// Warden's client. No thread of its own: of the threads that wait for an answer one reads for all.
class WardenClient : public Warden {
 public:
  /// `process` is the warden when this client started it, else −1.
  WardenClient(FileDescriptor socket, pid_t process);
  ~WardenClient() override;

  /// Asks what the warden reached. Throws WardenLost, or std::runtime_error when the mandatory walls do not stand.
  void greet();

  Isolation isolation() const override { return hello_.isolation; }
  CompileResult compile(const CompileRequest& request, std::stop_token stop) override;
  std::unique_ptr<Runner> spawn_runner(const RunnerRequest& request) override;
  FileDescriptor start_jail(const JailSpec& spec, std::span<const int> descriptors) override;
  void freeze_compilations(bool freeze) override;
  FileDescriptor spawn_trusted(const std::string& executable, const std::vector<std::string>& arguments) override;

  /// Why the level is not higher.
  const std::string& missing() const { return hello_.missing; }

 private:
  Message ask(const std::string& type, const std::string& body, std::span<const int> descriptors = {});

  const pid_t owner_;
  const pid_t process_;
  std::mutex mutex_;
  std::condition_variable answered_;
  Channel channel_;
  std::map<std::uint64_t, Message> answers_;
  std::uint64_t next_id_ = 1;
  bool somebody_reads_ = false;
  IsolationAnswer hello_;
};

}  // namespace crucible
