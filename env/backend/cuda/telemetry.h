#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace crucible {

/// The state of a GPU at one moment, by NVML.
struct DeviceState {
  std::uint32_t sm_mhz = 0;
  std::uint32_t memory_mhz = 0;
  std::uint32_t temperature_c = 0;
  std::uint64_t reasons = 0;  ///< NVML's mask of why the clocks are not higher

  /// Whether heat, power supply or hardware protection slows the clocks right now. A power cap that both sides share
  /// does not count.
  bool throttled() const;
};

/// Reads clocks, temperature and throttle reasons of one GPU through libnvidia-ml, found at run time. Where that
/// library is not, or a value is not to be had, nothing was measured. One per judge; not thread-safe.
class Telemetry {
 public:
  /// `uuid`: "GPU-…".
  explicit Telemetry(const std::string& uuid);
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;

  std::optional<DeviceState> read() const;

 private:
  struct Library;
  Library* library_ = nullptr;
  void* device_ = nullptr;
};

/// What the states seen during one evaluation come to, as the record keeps it.
class DeviceLog {
 public:
  void add(const DeviceState& state);
  void drop_pair() { ++dropped_; }
  int dropped_pairs() const { return dropped_; }
  /// "sm_mhz_lowest", "sm_mhz_highest", "memory_mhz", "temperature_c", "throttle_reasons", "pairs_dropped"; empty when
  /// nothing was seen.
  std::map<std::string, double> summary() const;

 private:
  std::optional<DeviceState> first_;
  std::uint32_t lowest_ = 0, highest_ = 0, temperature_ = 0;
  std::uint64_t reasons_ = 0;
  int dropped_ = 0;
};

}  // namespace crucible
