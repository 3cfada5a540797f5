#include "sandbox/warden/channel.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <random>
#include <thread>

using namespace crucible;
using std::chrono::milliseconds;

namespace {

struct RawPeer {
  FileDescriptor raw;
  Channel channel;
};

RawPeer raw_peer() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  return {FileDescriptor(ends[0]), Channel(FileDescriptor(ends[1]))};
}

// The bytes of a valid frame, taken from the wire.
std::string frame(std::uint64_t id, const std::string& type, const std::string& body) {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  FileDescriptor read(ends[0]);
  Channel channel{FileDescriptor(ends[1])};
  REQUIRE(channel.send(id, type, body));
  std::string bytes(1u << 16, 0);
  bytes.resize(static_cast<std::size_t>(::read(read.get(), bytes.data(), bytes.size())));
  return bytes;
}

}  // namespace

TEST_CASE("messages arrive whole, in order, with their descriptors") {
  auto [a, b] = Channel::pair();
  const std::array<int, 2> files = {::open("/dev/null", O_RDONLY | O_CLOEXEC), ::open("/", O_PATH | O_CLOEXEC)};
  REQUIRE(a.send(1, "one", "body", files));
  REQUIRE(a.send(2, "", ""));
  auto first = b.receive(milliseconds(1000));
  REQUIRE(first);
  CHECK(first->id == 1);
  CHECK(first->type == "one");
  CHECK(first->body == "body");
  REQUIRE(first->descriptors.size() == 2);
  CHECK((::fcntl(first->descriptors[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
  auto second = b.receive(milliseconds(1000));
  REQUIRE(second);
  CHECK(second->id == 2);
  CHECK(second->descriptors.empty());
  CHECK_FALSE(b.receive(milliseconds(1)));
  CHECK(b.open());
  for (const int fd : files) ::close(fd);
}

TEST_CASE("a large message passes while the other end reads") {
  auto [a, b] = Channel::pair();
  const std::string body(5u << 20, 'x');
  std::thread writer([&a = a, &body] { CHECK(a.send(9, "large", body)); });
  auto message = b.receive(milliseconds(10000));
  writer.join();
  REQUIRE(message);
  CHECK(message->body == body);
}

TEST_CASE("a closed peer is noticed without a signal") {
  auto [a, b] = Channel::pair();
  { const Channel gone = std::move(b); }
  CHECK_FALSE(a.receive(milliseconds(1000)));
  CHECK_FALSE(a.open());
  CHECK_FALSE(a.send(1, "x", ""));
}

TEST_CASE("a frame may come byte by byte") {
  RawPeer peer = raw_peer();
  for (const char byte : frame(7, "type", "body")) {
    CHECK_FALSE(peer.channel.receive(milliseconds(0)));
    REQUIRE(::write(peer.raw.get(), &byte, 1) == 1);
  }
  auto message = peer.channel.receive(milliseconds(1000));
  REQUIRE(message);
  CHECK(message->type == "type");
}

TEST_CASE("what does not parse closes the channel") {
  const std::string good = frame(7, "type", "body");
  for (const std::size_t at : {0u, 4u, 16u, 20u}) {  // magic, type length, body length, descriptor count
    std::string bad = good;
    bad[at + 3] = '\x7f';
    RawPeer peer = raw_peer();
    REQUIRE(::write(peer.raw.get(), bad.data(), bad.size()) == static_cast<ssize_t>(bad.size()));
    CHECK_FALSE(peer.channel.receive(milliseconds(1000)));
    CHECK_FALSE(peer.channel.open());
  }
  std::string lying = good;  // promises a descriptor that does not come
  lying[20] = 1;
  RawPeer peer = raw_peer();
  REQUIRE(::write(peer.raw.get(), lying.data(), lying.size()) > 0);
  CHECK_FALSE(peer.channel.receive(milliseconds(1000)));
  CHECK_FALSE(peer.channel.open());
}

TEST_CASE("random bytes neither crash nor hang") {
  std::mt19937 generator(20240607);
  for (int round = 0; round < 200; ++round) {
    RawPeer peer = raw_peer();
    std::string bytes = frame(1, "type", "body");
    for (int flips = 0; flips < 3; ++flips)
      bytes[generator() % bytes.size()] ^= static_cast<char>(1 << generator() % 8);
    REQUIRE(::write(peer.raw.get(), bytes.data(), bytes.size()) > 0);
    peer.raw.reset();
    while (peer.channel.receive(milliseconds(100))) {
    }
    CHECK_FALSE(peer.channel.open());
  }
}
