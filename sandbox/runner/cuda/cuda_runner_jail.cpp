#include "sandbox/runner/cuda/cuda_runner_jail.h"

#include <cstdlib>
#include <filesystem>

namespace crucible {

JailSpec cuda_runner_spec(const std::vector<int>& cpus) {
  JailSpec spec;
  spec.helper = "crucible-runner-cuda";
  spec.arguments = {"crucible-runner-cuda", "4", "5", "6"};
  spec.environment = {"LC_ALL=C", "HOME=/", "CUDA_MODULE_LOADING=EAGER", "CUDA_CACHE_DISABLE=1",
                      "CUDA_DEVICE_ORDER=PCI_BUS_ID"};
  spec.readable = {
      "/lib",         "/lib64",       "/usr/lib",           "/usr/lib64",       "/etc/ld.so.cache", "/etc/ld.so.conf",
      "/sys/devices", "/sys/bus/pci", "/sys/module/nvidia", "/usr/local/nvidia"};
  if (const char* path = std::getenv("LD_LIBRARY_PATH"); path != nullptr && *path != '\0') {
    spec.environment.push_back(std::string("LD_LIBRARY_PATH=") + path);
    std::string rest = path;
    while (!rest.empty()) {
      const std::size_t colon = rest.find(':');
      if (colon != 0) spec.readable.push_back(rest.substr(0, colon));
      rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
    }
  }
  if (const char* visible = std::getenv("CUDA_VISIBLE_DEVICES"); visible != nullptr)
    spec.environment.push_back(std::string("CUDA_VISIBLE_DEVICES=") + visible);
  spec.devices = {"/dev/null", "/dev/zero"};
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/dev", error)) {
    const std::string path = entry.path().string();
    if (!path.starts_with("/dev/nvidia")) continue;
    if (entry.is_directory(error)) {
      for (const auto& inner : std::filesystem::directory_iterator(path, error))
        spec.devices.push_back(inner.path().string());
    } else {
      spec.devices.push_back(path);
    }
  }
  spec.descriptor_targets = {4, 5, 6};
  spec.cpus = cpus;
  spec.profile = SeccompProfile::device;
  spec.private_proc = true;
  spec.output_bytes = 4096;
  // No limit on address space: the driver reserves terabytes. Private memory and processes are the walls.
  spec.limits.data = 8ull << 30;
  spec.limits.open_files = 1024;
  spec.limits.processes = 256;
  spec.limits.file_size = 80ull << 20;
  spec.limits.stack = 8ull << 20;
  return spec;
}

}  // namespace crucible
