#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/file_descriptor.h"

namespace crucible {

/// One message between trusted processes. `body` is JSON text or whatever bytes both ends agree on (may be empty);
/// descriptors travel with it.
struct Message {
  std::uint64_t id = 0;  ///< request id; an answer carries the id of its question
  std::string type;
  std::string body;
  std::vector<FileDescriptor> descriptors;
};

/// A stream socket that carries length-prefixed messages with descriptors. Not thread-safe. Bounded: a frame above
/// 64 MiB, or one that does not parse, closes the channel.
class Channel {
 public:
  explicit Channel(FileDescriptor socket);

  /// Two connected ends.
  static std::pair<Channel, Channel> pair();

  /// False when the peer is gone (never raises SIGPIPE). Descriptors are duplicated into the message; the caller keeps
  /// its own.
  bool send(std::uint64_t id, const std::string& type, const std::string& body, std::span<const int> descriptors = {});

  /// The next message; empty at the deadline or at end-of-file (`open()` tells which).
  std::optional<Message> receive(std::chrono::milliseconds timeout);

  bool open() const;
  int descriptor() const;

 private:
  std::optional<Message> take();
  bool fill(std::chrono::steady_clock::time_point deadline);
  void break_off();

  FileDescriptor socket_;
  std::string buffer_;
  std::vector<FileDescriptor> pending_;
  bool open_ = true;
};

}  // namespace crucible
