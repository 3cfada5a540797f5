// The only binary that runs candidate host code: maps what it is given, enters its second seccomp stage, loads one
// artifact, and performs calls when told. Arguments: profile, entry point, path of the plug-in (baseline).

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "sandbox/runner/call_loop.h"
#include "sandbox/runner/handshake.h"
#include "sandbox/runner/loader.h"
#include "sandbox/runner/memory.h"
#include "sandbox/runner/runner_jail.h"

namespace {

using namespace crucible;

void set_state(ControlPage* page, RunnerState state, const std::string& message) {
  const std::size_t length = std::min(message.size(), kMaxMessage - 1);
  std::memcpy(page->message, message.data(), length);
  page->message[length] = 0;
  page->state.store(static_cast<std::uint32_t>(state), std::memory_order_release);
}

LoadedEntry load_candidate(const std::string& entry_point) {
  const std::string path = loadable_path(kArtifactDescriptor);
  if (path.empty()) return {nullptr, "no way to open the artifact"};
  const bool watched = enter_second_stage(path);
  LoadedEntry entry = load_entry(path, entry_point);
  if (!watched) close_files();
  ::close(kArtifactDescriptor);
  return entry;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    std::fprintf(stderr, "crucible-runner: started by a jail's init\n");
    return 2;
  }
  const bool candidate = std::strcmp(arguments[1], "candidate") == 0;
  const std::string entry_point = arguments[2];
  const SharedMapping control = map_shared(kControlDescriptor);
  const SharedMapping arena = map_shared(kArenaDescriptor);
  ::close(kControlDescriptor);
  ::close(kArenaDescriptor);
  if (control.bytes < kCallTableOffset) return 2;

  auto* page = static_cast<ControlPage*>(control.data);
  const LoadedEntry entry = candidate ? load_candidate(entry_point) : load_entry(arguments[3], entry_point);
  if (entry.address == nullptr) {
    set_state(page, RunnerState::load_failed, entry.error);
    ::_exit(0);
  }
  const std::size_t room = (control.bytes - kCallTableOffset) / sizeof(PreparedCall);
  const CallLoop loop{page, std::min<std::size_t>(page->call_capacity, room), static_cast<std::byte*>(arena.data),
                      arena.bytes, entry.address};
  set_state(page, RunnerState::ready, "");
  run_call_loop(loop);
}
