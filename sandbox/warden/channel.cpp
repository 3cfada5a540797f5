#include "sandbox/warden/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace crucible {
namespace {

constexpr std::uint32_t kMagic = 0x6c637263;  // "crcl"
constexpr std::size_t kMaxFrame = 64u << 20;
constexpr std::size_t kMaxType = 256;
constexpr std::size_t kMaxDescriptors = 64;   // per message
constexpr std::size_t kMaxPending = 4 * 253;  // arrived ahead of their message's last byte

struct Header {
  std::uint32_t magic;
  std::uint32_t type_bytes;
  std::uint64_t id;
  std::uint32_t body_bytes;
  std::uint32_t descriptors;
};

void append(std::string& out, const void* data, std::size_t bytes) {
  out.append(static_cast<const char*>(data), bytes);
}

}  // namespace

Channel::Channel(FileDescriptor socket) : socket_(std::move(socket)), open_(static_cast<bool>(socket_)) {}

std::pair<Channel, Channel> Channel::pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  return {Channel(FileDescriptor(ends[0])), Channel(FileDescriptor(ends[1]))};
}

bool Channel::send(std::uint64_t id, const std::string& type, const std::string& body,
                   std::span<const int> descriptors) {
  if (!open_) return false;
  if (body.size() + type.size() > kMaxFrame || type.size() > kMaxType || descriptors.size() > kMaxDescriptors) {
    open_ = false;
    return false;
  }
  const Header header{kMagic, static_cast<std::uint32_t>(type.size()), id, static_cast<std::uint32_t>(body.size()),
                      static_cast<std::uint32_t>(descriptors.size())};
  std::string frame;
  frame.reserve(sizeof header + type.size() + body.size());
  append(frame, &header, sizeof header);
  frame += type;
  frame += body;

  std::size_t sent = 0;
  while (sent < frame.size()) {
    iovec piece{frame.data() + sent, frame.size() - sent};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
    if (sent == 0 && !descriptors.empty()) {  // descriptors travel with the first byte of their frame
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
      cmsghdr* part = CMSG_FIRSTHDR(&message);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
      std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
    }
    const ssize_t count = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      pollfd waiting{socket_.get(), POLLOUT, 0};
      ::poll(&waiting, 1, -1);
      continue;
    }
    if (count <= 0) {
      open_ = false;
      return false;
    }
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

std::optional<Message> Channel::receive(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    if (auto message = take()) return message;
    if (!open_) return std::nullopt;
    if (!fill(deadline)) return std::nullopt;
  }
}

std::optional<Message> Channel::take() {
  if (buffer_.size() < sizeof(Header)) return std::nullopt;
  Header header;
  std::memcpy(&header, buffer_.data(), sizeof header);
  const std::size_t payload = std::size_t{header.type_bytes} + header.body_bytes;
  if (header.magic != kMagic || header.type_bytes > kMaxType || payload > kMaxFrame ||
      header.descriptors > kMaxDescriptors) {
    break_off();
    return std::nullopt;
  }
  if (buffer_.size() < sizeof header + payload) return std::nullopt;
  if (pending_.size() < header.descriptors) {  // they arrive with the first byte, so they were lost or never sent
    break_off();
    return std::nullopt;
  }
  Message message;
  message.id = header.id;
  message.type = buffer_.substr(sizeof header, header.type_bytes);
  message.body = buffer_.substr(sizeof header + header.type_bytes, header.body_bytes);
  const auto end = pending_.begin() + header.descriptors;
  std::move(pending_.begin(), end, std::back_inserter(message.descriptors));
  pending_.erase(pending_.begin(), end);
  buffer_.erase(0, sizeof header + payload);
  return message;
}

bool Channel::fill(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  pollfd waiting{socket_.get(), POLLIN, 0};
  const int ready = ::poll(&waiting, 1, static_cast<int>(std::clamp<long long>(left, 0, 1'000'000'000)));
  if (ready < 0 && errno == EINTR) return true;
  if (ready <= 0) return false;

  char chunk[65536];
  iovec piece{chunk, sizeof chunk};
  msghdr message{};
  alignas(cmsghdr) char control[CMSG_SPACE(253 * sizeof(int))];
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t count = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (count <= 0) {
    open_ = false;
    return false;
  }
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t descriptors = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < descriptors; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      pending_.emplace_back(fd);
    }
  }
  buffer_.append(chunk, static_cast<std::size_t>(count));
  if (pending_.size() > kMaxPending || (message.msg_flags & MSG_CTRUNC) != 0) break_off();
  return true;
}

void Channel::break_off() {
  open_ = false;
  buffer_.clear();
  pending_.clear();
  socket_.reset();
}

bool Channel::open() const { return open_; }
int Channel::descriptor() const { return socket_.get(); }

}  // namespace crucible
