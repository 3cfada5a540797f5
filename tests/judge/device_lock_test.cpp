#include "env/judge/device_lock.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

using namespace crucible;

namespace {

/// Cores that no machine has, so that no judge is disturbed.
std::vector<int> nobodys_cores() { return {1 << 20, static_cast<int>(::getpid())}; }

struct Cleanup {
  ~Cleanup() {
    const std::string name = "/tmp/crucible-cpu-1048576-" + std::to_string(::getpid());
    ::unlink((name + ".lock").c_str());
    ::unlink((name + ".gate").c_str());
  }
} cleanup;

}  // namespace

TEST_CASE("a judge that takes the cores again and again lets another one in between") {
  std::atomic<int> turns{0};
  std::atomic<bool> stop{false};
  std::thread greedy([&] {
    while (!stop) {
      DeviceLock lock(nobodys_cores(), {});
      ++turns;
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
    }
  });
  while (turns == 0) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) {
    const int before = turns;
    DeviceLock lock(nobodys_cores(), {});
    CHECK(turns - before <= 3);
  }
  stop = true;
  greedy.join();
}

TEST_CASE("waiting for the cores can be given up, and leaves the way free") {
  auto held = std::make_unique<DeviceLock>(nobodys_cores(), nullptr);
  CHECK_THROWS_AS(DeviceLock(nobodys_cores(), [](double) { throw std::runtime_error("enough"); }), std::runtime_error);
  held.reset();
  DeviceLock again(nobodys_cores(), {});
}
