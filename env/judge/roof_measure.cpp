#include "env/judge/roof_measure.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "env/judge/roof_loops.h"
#include "env/sha256.h"

namespace crucible {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int kFormat = 1;
constexpr int kRounds = 5;
constexpr double kRoundNs = 2e6;

/// What `work` does a nanosecond, the best of several rounds; it returns how much it did.
template <class Work>
double best_rate(Work&& work) {
  work();  // faults pages in and wakes wide units
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    double done = 0;
    const auto begin = Clock::now();
    double ns = 0;
    while (ns < kRoundNs) {
      done += work();
      ns = std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
    }
    best = std::max(best, done / ns);
  }
  return best;
}

/// On one core while it lives.
class OnCore {
 public:
  explicit OnCore(int cpu) {
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ::sched_setaffinity(0, sizeof one, &one);
  }
  ~OnCore() { ::sched_setaffinity(0, sizeof before_, &before_); }
  OnCore(const OnCore&) = delete;
  OnCore& operator=(const OnCore&) = delete;

 private:
  cpu_set_t before_{};
};

std::string file_of(const Machine& machine) {
  Sha256 hash;
  hash.update("roof " + std::to_string(kFormat) + machine.device_name);
  for (int cpu : machine.cpus) hash.update(" " + std::to_string(cpu));
  return machine.cache_directory + "/roof-" + to_hex(hash.finish()).substr(0, 24) + ".json";
}

}  // namespace

MachineRoof measure_roof(const Machine& machine) {
  const OnCore there(machine.timed_cpus.front());
  const RoofLoops loops = roof_loops();
  MachineRoof roof;
  for (std::size_t bytes = 16u << 10; bytes <= 64u << 20; bytes *= 8) {
    std::vector<float> from(bytes / sizeof(float), 1.0f), to(from.size() / 2);
    const std::size_t repeats = std::max<std::size_t>(1, (1u << 20) / bytes);
    const auto size = static_cast<double>(bytes * repeats);
    double best = best_rate([&] {
      for (std::size_t i = 0; i < repeats; ++i) loops.read(from.data(), from.size());
      return size;
    });
    best = std::max(best, best_rate([&] {
                      for (std::size_t i = 0; i < repeats; ++i) loops.write(from.data(), from.size());
                      return size;
                    }));
    best = std::max(best, best_rate([&] {
                      for (std::size_t i = 0; i < repeats; ++i) loops.copy(from.data(), to.data(), to.size());
                      return size;  // half is read, as much is written
                    }));
    roof.levels.push_back({bytes, best});
  }
  roof.f32_flops_per_ns = best_rate([&] { return loops.multiply_add(20000); });
  if (loops.bf16_dot != nullptr) roof.bf16_flops_per_ns = best_rate([&] { return loops.bf16_dot(20000); });
  if (roof.bf16_flops_per_ns) roof.bf16_flops_per_ns = std::max(*roof.bf16_flops_per_ns, roof.f32_flops_per_ns);
  if (!loops.bf16_elsewhere && !roof.bf16_flops_per_ns) roof.bf16_flops_per_ns = roof.f32_flops_per_ns;
  return roof;
}

MachineRoof known_roof(const Machine& machine) {
  const std::string path = machine.cache_directory.empty() ? "" : file_of(machine);
  if (!path.empty()) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    try {
      if (in) return roof_from_json(text.str());
    } catch (const std::invalid_argument&) {  // damaged: made anew
    }
  }
  MachineRoof roof = measure_roof(machine);
  if (path.empty()) return roof;
  std::error_code ignored;
  std::filesystem::create_directories(machine.cache_directory, ignored);
  const std::string fresh = path + "." + std::to_string(::getpid());
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << to_json(roof) << '\n';
    if (!out) return roof;
  }
  std::filesystem::rename(fresh, path, ignored);
  return roof;
}

std::string to_json(const MachineRoof& roof) {
  json levels = json::array();
  for (const MachineRoof::Level& level : roof.levels)
    levels.push_back({{"bytes", level.bytes}, {"bytes_per_ns", level.bytes_per_ns}});
  json made = {{"levels", levels}, {"f32_flops_per_ns", roof.f32_flops_per_ns}};
  made["bf16_flops_per_ns"] = roof.bf16_flops_per_ns ? json(*roof.bf16_flops_per_ns) : json(nullptr);
  return made.dump(1);
}

MachineRoof roof_from_json(const std::string& text) {
  try {
    const json read = json::parse(text);
    MachineRoof roof;
    for (const json& level : read.at("levels"))
      roof.levels.push_back({level.at("bytes").get<std::size_t>(), level.at("bytes_per_ns").get<double>()});
    roof.f32_flops_per_ns = read.at("f32_flops_per_ns").get<double>();
    if (const json& rate = read.at("bf16_flops_per_ns"); !rate.is_null()) roof.bf16_flops_per_ns = rate.get<double>();
    const bool positive = std::all_of(roof.levels.begin(), roof.levels.end(),
                                      [](const MachineRoof::Level& level) { return level.bytes_per_ns > 0; });
    if (roof.levels.empty() || !positive || roof.f32_flops_per_ns <= 0) throw std::invalid_argument("no roof");
    return roof;
  } catch (const json::exception& error) {
    throw std::invalid_argument(std::string("no roof: ") + error.what());
  }
}

}  // namespace crucible
