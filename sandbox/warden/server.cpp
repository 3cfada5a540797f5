#include "sandbox/warden/server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "sandbox/jail/datagram.h"
#include "sandbox/jail/report.h"
#include "sandbox/warden/messages.h"

namespace crucible {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kGoodbye = std::chrono::milliseconds(1500);

int open_pidfd(pid_t process) { return static_cast<int>(::syscall(SYS_pidfd_open, process, 0)); }

void remove_scratch(const std::string& path) {
  std::error_code ignored;  // links inside are removed, never followed
  if (!path.empty()) std::filesystem::remove_all(path, ignored);
}

std::string text_of_file(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool has_ended(const FileDescriptor& pidfd, int timeout_ms) {
  pollfd waiting{pidfd.get(), POLLIN, 0};
  return ::poll(&waiting, 1, timeout_ms) > 0;
}

}  // namespace

WardenServer::WardenServer(FileDescriptor first_client, const std::string& libexec, const std::string& highest_level)
    : host_(libexec), uids_(uid_range(text_of_file("/proc/self/uid_map"), static_cast<std::uint32_t>(::getpid()))) {
  // End-of-file alone would not tell when a fork of the trainer keeps a copy of the socket open.
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(first_client.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0)
    parent_ = FileDescriptor(open_pidfd(peer.pid));
  level_ = probe_level(highest_level, [this](const JailPlan& plan) { return attempt(plan); });
  if (level_.level.empty())
    throw std::runtime_error("the mandatory walls do not stand on this host: " + level_.missing);
  clients_.push_back({Channel(std::move(first_client)), true, false});
}

std::string WardenServer::attempt(const JailPlan& plan) {
  JailPlan own = plan;
  if (own.walls.own_uid && uids_.count == 0) return "no uid is free for it";
  own.walls.uid = free_uid();
  LaunchedJail jail;
  try {
    jail = launch_jail(host_, own, {});
  } catch (const std::exception& error) {
    return error.what();
  }
  std::string failure = "the jail's init gave no sign";
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  while (Clock::now() < deadline) {
    pollfd waiting{jail.owner.get(), POLLIN, 0};
    ::poll(&waiting, 1, 100);
    Datagram message;
    const Arrival arrival = receive_datagram(jail.owner.get(), message);
    if (arrival == Arrival::end_of_file) break;
    if (arrival == Arrival::nothing) continue;
    if (message.type == static_cast<char>(JailMessage::failed)) failure = message.body;
    if (message.type == static_cast<char>(JailMessage::ended)) {
      const Fate fate = JailReport::unpack(message.body).fate;
      failure = fate.kind == FateKind::exited && fate.code == 0 ? "" : to_string(fate);
    }
  }
  ::kill(jail.init, SIGKILL);
  ::waitpid(jail.init, nullptr, 0);
  remove_scratch(jail.scratch_directory);
  return failure;
}

void WardenServer::run() {
  while (!over_) wait_for_events();
  shut_down();
}

void WardenServer::wait_for_events() {
  std::vector<pollfd> events;
  events.push_back({parent_.get(), POLLIN, 0});
  for (const Client& client : clients_) events.push_back({client.channel.descriptor(), POLLIN, 0});
  for (const Jail& jail : jails_) events.push_back({jail.launched.pidfd.get(), POLLIN, 0});
  for (const LaunchedHelper& helper : helpers_) events.push_back({helper.pidfd.get(), POLLIN, 0});
  if (::poll(events.data(), events.size(), -1) < 0) {
    if (errno != EINTR) over_ = true;
    return;
  }
  if (parent_ && events[0].revents != 0) {
    over_ = true;
    return;
  }
  std::size_t i = 1;
  const std::size_t known = clients_.size();
  auto client = clients_.begin();
  for (std::size_t n = 0; n < known; ++n, ++i) {
    if (events[i].revents != 0) serve(*client);
    ++client;
  }
  clients_.remove_if([&](const Client& gone) {
    if (gone.channel.open()) return false;
    over_ = over_ || gone.first;
    return true;
  });
  freeze_or_thaw();
  reap();
}

void WardenServer::serve(Client& client) {
  while (auto question = client.channel.receive(std::chrono::milliseconds(0))) answer(client, *question);
}

void WardenServer::answer(Client& client, Message& question) {
  try {
    if (question.type == kHello) {
      client.channel.send(question.id, kHello, pack(IsolationAnswer{{level_.level, level_.reached}, level_.missing}));
    } else if (question.type == kJail) {
      answer_jail(client, question);
    } else if (question.type == kTrusted) {
      answer_trusted(client, question);
    } else if (question.type == kFreeze) {
      client.freezes = question.body == "1";
      freeze_or_thaw();
      client.channel.send(question.id, kFreeze, "");
    } else {
      client.channel.send(question.id, kError, "unknown question " + question.type);
    }
  } catch (const std::exception& error) {
    client.channel.send(question.id, kError, error.what());
  }
}

// Compilers stand still while any client wants them to; a client that goes lets go.
void WardenServer::freeze_or_thaw() {
  const bool freeze =
      std::any_of(clients_.begin(), clients_.end(), [](const Client& client) { return client.freezes; });
  if (freeze == frozen_) return;
  frozen_ = freeze;
  for (const Jail& jail : jails_)
    if (jail.compiles) order(jail);
}

void WardenServer::order(const Jail& jail) const {
  const JailMessage message = frozen_ ? JailMessage::stop : JailMessage::resume;
  send_datagram(jail.launched.control.get(), static_cast<char>(message));
}

void WardenServer::answer_jail(Client& client, Message& question) {
  JailPlan plan;
  plan.spec = JailSpec::unpack(question.body);
  if (plan.spec.descriptor_targets.size() > question.descriptors.size())
    throw std::runtime_error("fewer descriptors than the specification names");
  const auto grant = [&](const std::vector<std::string>& libraries) {
    std::vector<std::string>& readable = plan.spec.readable;
    for (const std::string& library : libraries)
      if (std::find(readable.begin(), readable.end(), library) == readable.end()) readable.push_back(library);
  };
  if (!plan.spec.helper.empty()) grant(host_.libraries(plan.spec.helper));
  for (const std::string& program : plan.spec.programs) grant(host_.libraries(program));
  plan.walls = level_.walls;
  plan.walls.uid = free_uid();
  Jail jail{launch_jail(host_, plan, question.descriptors), plan.walls.uid, plan.spec.helper.empty()};
  const int owner = jail.launched.owner.get();
  const bool told = client.channel.send(question.id, kJail, "", std::span<const int>(&owner, 1));
  jail.launched.owner.reset();
  if (!told) jail.launched.control.reset();
  if (jail.compiles && frozen_) order(jail);
  jails_.push_back(std::move(jail));
}

void WardenServer::answer_trusted(Client& client, const Message& question) {
  const TrustedRequest request = unpack_trusted_request(question.body);
  LaunchedHelper helper = launch_trusted(host_, request.executable, request.arguments, request.environment);
  clients_.push_back({Channel(std::move(helper.client)), false, false});
  const int peer = helper.peer.get();
  client.channel.send(question.id, kTrusted, "", std::span<const int>(&peer, 1));
  helper.peer.reset();
  helpers_.push_back(std::move(helper));
}

std::uint32_t WardenServer::free_uid() {
  for (std::uint32_t tried = 0; tried < uids_.count; ++tried) {
    const std::uint32_t uid = uids_.first + next_uid_++ % uids_.count;
    if (std::none_of(jails_.begin(), jails_.end(), [&](const Jail& jail) { return jail.uid == uid; })) return uid;
  }
  if (uids_.count == 0) return 0;  // never used: the probe finds that no jail can have a uid of its own
  throw std::runtime_error("too many jails at once");
}

void WardenServer::reap() {
  jails_.remove_if([](const Jail& jail) {
    if (!has_ended(jail.launched.pidfd, 0)) return false;
    ::waitpid(jail.launched.init, nullptr, 0);
    remove_scratch(jail.launched.scratch_directory);
    return true;
  });
  helpers_.remove_if([](const LaunchedHelper& helper) {
    if (!has_ended(helper.pidfd, 0)) return false;
    ::waitpid(helper.process, nullptr, 0);
    return true;
  });
}

void WardenServer::shut_down() {
  for (const LaunchedHelper& helper : helpers_) ::kill(helper.process, SIGKILL);
  for (Jail& jail : jails_) jail.launched.control.reset();  // each init kills what is its own, then leaves
  const auto deadline = Clock::now() + kGoodbye;
  while (!jails_.empty() && Clock::now() < deadline) {
    has_ended(jails_.front().launched.pidfd, 20);
    reap();
  }
  for (const Jail& jail : jails_) ::kill(jail.launched.init, SIGKILL);
  for (const Jail& jail : jails_) {
    ::waitpid(jail.launched.init, nullptr, 0);
    remove_scratch(jail.launched.scratch_directory);
  }
  reap();
}

}  // namespace crucible
