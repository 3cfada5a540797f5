#include "env/backend/cuda/telemetry.h"

#include <dlfcn.h>

#include <algorithm>

namespace crucible {
namespace {

// From NVML's documentation: nvmlClocksEventReason…
constexpr std::uint64_t kHardwareSlowdown = 0x8;
constexpr std::uint64_t kSoftwareThermal = 0x20;
constexpr std::uint64_t kHardwareThermal = 0x40;
constexpr std::uint64_t kPowerBrake = 0x80;

constexpr int kClockSm = 1;
constexpr int kClockMemory = 2;
constexpr int kTemperatureOfGpu = 0;

}  // namespace

struct Telemetry::Library {
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*by_uuid)(const char*, void**) = nullptr;
  int (*clock)(void*, int, unsigned*) = nullptr;
  int (*temperature)(void*, int, unsigned*) = nullptr;
  int (*reasons)(void*, unsigned long long*) = nullptr;
};

bool DeviceState::throttled() const {
  return (reasons & (kHardwareSlowdown | kSoftwareThermal | kHardwareThermal | kPowerBrake)) != 0;
}

Telemetry::Telemetry(const std::string& uuid) {
  // Stays loaded for the life of the process, as the driver does.
  void* handle = ::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return;
  static Library found;
  const auto look_up = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
    return function != nullptr;
  };
  const bool complete = look_up(found.init, "nvmlInit_v2") && look_up(found.shutdown, "nvmlShutdown") &&
                        look_up(found.by_uuid, "nvmlDeviceGetHandleByUUID") &&
                        look_up(found.clock, "nvmlDeviceGetClockInfo") &&
                        look_up(found.temperature, "nvmlDeviceGetTemperature") &&
                        (look_up(found.reasons, "nvmlDeviceGetCurrentClocksEventReasons") ||
                         look_up(found.reasons, "nvmlDeviceGetCurrentClocksThrottleReasons"));
  if (!complete || found.init() != 0) return;
  library_ = &found;
  if (found.by_uuid(uuid.c_str(), &device_) != 0) device_ = nullptr;
}

Telemetry::~Telemetry() {
  if (library_ != nullptr) (void)library_->shutdown();
}

std::optional<DeviceState> Telemetry::read() const {
  if (device_ == nullptr) return std::nullopt;
  DeviceState state;
  unsigned long long reasons = 0;
  if (library_->clock(device_, kClockSm, &state.sm_mhz) != 0 ||
      library_->clock(device_, kClockMemory, &state.memory_mhz) != 0 ||
      library_->temperature(device_, kTemperatureOfGpu, &state.temperature_c) != 0 ||
      library_->reasons(device_, &reasons) != 0)
    return std::nullopt;
  state.reasons = reasons;
  return state;
}

void DeviceLog::add(const DeviceState& state) {
  if (!first_) {
    first_ = state;
    lowest_ = highest_ = state.sm_mhz;
  }
  lowest_ = std::min(lowest_, state.sm_mhz);
  highest_ = std::max(highest_, state.sm_mhz);
  temperature_ = std::max(temperature_, state.temperature_c);
  reasons_ |= state.reasons;
}

std::map<std::string, double> DeviceLog::summary() const {
  if (!first_) return {};
  return {{"sm_mhz_lowest", lowest_},
          {"sm_mhz_highest", highest_},
          {"memory_mhz", first_->memory_mhz},
          {"temperature_c", temperature_},
          {"throttle_reasons", static_cast<double>(reasons_)},
          {"pairs_dropped", dropped_}};
}

}  // namespace crucible
