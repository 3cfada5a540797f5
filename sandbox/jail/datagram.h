#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sandbox/file_descriptor.h"

namespace crucible {

/// One message of a sequenced-packet socket: whole or not at all.
struct Datagram {
  char type = 0;
  std::string body;
  FileDescriptor descriptor;  ///< the one that travelled with it, if any
};

inline constexpr std::size_t kMaxDatagram = 96u << 10;

/// Two connected ends, close-on-exec. Throws std::system_error.
std::pair<FileDescriptor, FileDescriptor> datagram_pair();

/// False when the peer is gone or does not read. Never blocks, never raises SIGPIPE; the body is cut at kMaxDatagram.
bool send_datagram(int socket, char type, std::string_view body = {}, int descriptor = -1);

enum class Arrival { message, nothing, end_of_file };

/// Takes one message without blocking.
Arrival receive_datagram(int socket, Datagram& into);

}  // namespace crucible
