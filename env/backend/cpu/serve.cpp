// crucible-judge: serves one Evaluator over descriptor 3; its own warden client is descriptor 4. Ends at end-of-file.
#include <malloc.h>

#include "env/backend/cpu/judge.h"
#include "env/backend/cpu/machine.h"
#include "env/judge/judge_server.h"

int main() {
  using namespace crucible;
  // Outputs are collected into buffers of the same sizes again and again: memory kept is memory not faulted in anew.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);  // more is refused
  ::mallopt(M_TRIM_THRESHOLD, 512 << 20);
  return serve_judge("crucible-judge", [](std::shared_ptr<Warden> warden, const JudgeStart& start) {
    JudgeSettings settings;
    settings.secret = start.secret;
    settings.machine = claim_machine();
    settings.machine.libexec = start.libexec;
    settings.machine.cache_directory = start.cache_directory;
    settings.budget_seconds = start.budget_seconds;
    return std::make_unique<Judge>(std::move(warden), std::move(settings));
  });
}
