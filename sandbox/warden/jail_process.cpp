#include "sandbox/warden/jail_process.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include "sandbox/jail/datagram.h"
#include "sandbox/packing.h"

namespace crucible {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
constexpr milliseconds kInitPatience{10000};

char letter(JailMessage message) { return static_cast<char>(message); }

int milliseconds_left(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 1'000'000'000));
}

}  // namespace

void JailProcess::take(Datagram& message) {
  last_ = message.type;
  switch (static_cast<JailMessage>(message.type)) {
    case JailMessage::failed:
      failure_ = message.body;
      break;
    case JailMessage::finding:
      findings_.push_back(unpack_finding(message.body));
      break;
    case JailMessage::captured:
      captured_ = std::move(message.body);
      break;
    case JailMessage::collected:
      if (message.descriptor) files_[message.body] = std::move(message.descriptor);
      break;
    case JailMessage::ended:
      report_ = JailReport::unpack(message.body);
      captured_ = report_->output;
      break;
    default:
      break;
  }
}

bool JailProcess::ended() {
  Datagram message;
  while (!report_) {
    const Arrival arrival = receive_datagram(socket_.get(), message);
    if (arrival == Arrival::nothing) return false;
    if (arrival == Arrival::end_of_file) {
      report_.emplace();
      report_->fate = {FateKind::lost, 0, failure_.empty() ? "the jail's init vanished" : failure_};
    } else {
      take(message);
    }
  }
  return true;
}

bool JailProcess::wait_for(char type, milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  Datagram message;
  while (!report_) {
    const Arrival arrival = receive_datagram(socket_.get(), message);
    if (arrival == Arrival::message) {
      take(message);
      if (message.type == type) return true;
      continue;
    }
    if (arrival == Arrival::end_of_file) return ended(), false;
    pollfd waiting{socket_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, milliseconds_left(deadline)) == 0) return false;
  }
  return false;
}

void JailProcess::await_start() {
  if (wait_for(letter(JailMessage::started), kInitPatience)) return;
  throw std::runtime_error("a jail could not be set up: " + (failure_.empty() ? "its init gave no sign" : failure_));
}

bool JailProcess::stop() {
  if (ended()) return false;
  send_datagram(socket_.get(), letter(JailMessage::stop));
  if (wait_for(letter(JailMessage::stopped), kInitPatience)) return true;
  if (!report_) kill();
  return false;
}

void JailProcess::resume() { send_datagram(socket_.get(), letter(JailMessage::resume)); }
void JailProcess::kill() { send_datagram(socket_.get(), letter(JailMessage::kill)); }

void JailProcess::set_affinity(const std::vector<int>& cpus) {
  Packer packer;
  packer.list(cpus, [&](int cpu) { packer.number(static_cast<std::uint64_t>(cpu)); });
  send_datagram(socket_.get(), letter(JailMessage::affinity), packer.bytes());
}

bool JailProcess::wait(milliseconds patience, std::stop_token stop) {
  FileDescriptor cancelled(stop.stop_possible() ? ::eventfd(0, EFD_CLOEXEC) : -1);
  const std::stop_callback on_stop(stop, [&] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(cancelled.get(), &one, sizeof one);
  });
  const auto deadline = Clock::now() + patience;
  while (!ended()) {
    pollfd waiting[2] = {{socket_.get(), POLLIN, 0}, {cancelled.get(), POLLIN, 0}};
    const int ready = ::poll(waiting, 2, milliseconds_left(deadline));
    if (ready == 0 || waiting[1].revents != 0) return ended();
  }
  return true;
}

const JailReport& JailProcess::finish() {
  if (!ended()) {
    kill();
    if (!wait(kInitPatience)) {
      report_.emplace();
      report_->fate = {FateKind::lost, 0, "the jail's init does not answer"};
    }
  }
  socket_.reset();
  return *report_;
}

std::string JailProcess::output() {
  if (!ended()) {
    send_datagram(socket_.get(), letter(JailMessage::output));
    wait_for(letter(JailMessage::captured), kInitPatience);
  }
  return captured_;
}

}  // namespace crucible
