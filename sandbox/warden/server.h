#pragma once

#include <list>
#include <string>

#include "sandbox/file_descriptor.h"
#include "sandbox/jail/probe.h"
#include "sandbox/warden/channel.h"
#include "sandbox/warden/host.h"
#include "sandbox/warden/jail_launch.h"
#include "sandbox/warden/trusted_launch.h"
#include "sandbox/warden/uid_range.h"

namespace crucible {

/// The warden's one loop: answers its clients, reaps what it started, and ends, leaving nothing behind, when its first
/// client is gone (end-of-file, or the process that started it died).
class WardenServer {
 public:
  /// `highest_level` lowers the level that the probe starts from ("" does not). Throws std::runtime_error.
  WardenServer(FileDescriptor first_client, const std::string& libexec, const std::string& highest_level);
  void run();

 private:
  struct Client {
    Channel channel;
    bool first;
    bool freezes;
  };
  struct Jail {
    LaunchedJail launched;
    std::uint32_t uid;
    bool compiles;
  };

  std::string attempt(const JailPlan& plan);
  void wait_for_events();
  void serve(Client& client);
  void answer(Client& client, Message& question);
  void answer_jail(Client& client, Message& question);
  void answer_trusted(Client& client, const Message& question);
  void freeze_or_thaw();
  void order(const Jail& jail) const;
  std::uint32_t free_uid();
  void reap();
  void shut_down();

  Host host_;
  UidRange uids_;
  FileDescriptor parent_;
  ProbedLevel level_;
  std::list<Client> clients_;
  std::list<Jail> jails_;
  std::list<LaunchedHelper> helpers_;
  std::uint32_t next_uid_ = 0;
  bool frozen_ = false;
  bool over_ = false;
};

}  // namespace crucible
