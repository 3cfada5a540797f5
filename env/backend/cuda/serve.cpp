// crucible-judge-cuda: serves one Evaluator over descriptor 3; its own warden client is descriptor 4. Ends at
// end-of-file.
#include <malloc.h>

#include <cstdlib>

#include "env/backend/cuda/judge.h"

namespace {

/// "cuda:1" → 1, "cuda" or nothing → 0.
int ordinal_of(const std::string& device) {
  const std::size_t colon = device.find(':');
  return colon == std::string::npos ? 0 : std::stoi(device.substr(colon + 1));
}

}  // namespace

int main() {
  using namespace crucible;
  ::setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 1);  // "cuda:1" means the same GPU to every process
  // Outputs are collected into buffers of the same sizes again and again: memory kept is memory not faulted in anew.
  ::mallopt(M_MMAP_THRESHOLD, 512 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 512 << 20);
  return serve_judge("crucible-judge-cuda", [](std::shared_ptr<Warden> warden, const JudgeStart& start) {
    CudaJudgeSettings settings;
    settings.secret = start.secret;
    settings.libexec = start.libexec;
    settings.device = ordinal_of(start.device);
    settings.budget_seconds = start.budget_seconds;
    return std::make_unique<CudaJudge>(std::move(warden), std::move(settings));
  });
}
