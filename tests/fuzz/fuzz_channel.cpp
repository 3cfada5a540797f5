#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "sandbox/warden/channel.h"

/// Whatever arrives on a warden's or a judge's socket: messages within their bounds, or the end of the connection.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crucible;
  int ends[2];
  if (size > 100000 || ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 0;
  Channel channel{FileDescriptor(ends[0])};
  if (::send(ends[1], data, size, MSG_DONTWAIT) != static_cast<ssize_t>(size)) size = 0;
  ::close(ends[1]);
  std::size_t taken = 0;
  while (const auto message = channel.receive(std::chrono::milliseconds(0)))
    taken += message->type.size() + message->body.size();
  if (taken > size || channel.open()) std::abort();
  return 0;
}
