#include "env/judge/calibration_file.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "env/digested.h"
#include "env/sha256.h"

namespace crucible {
namespace {

using nlohmann::json;

constexpr int kFormat = 3;

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

CalibrationFile::CalibrationFile(const Machine& machine, const Task& task, const std::vector<BaselinePlugin>& plugins) {
  if (machine.cache_directory.empty()) return;
  Sha256 hash;
  hash.update("calibration " + std::to_string(kFormat) + machine.device_name);
  for (int cpu : machine.cpus) hash.update(" " + std::to_string(cpu));
  hash.update(slurp(task.file));
  for (const BaselinePlugin& plugin : plugins) hash.update(plugin.name).update(slurp(plugin.path));
  std::error_code ignored;
  std::filesystem::create_directories(machine.cache_directory, ignored);
  path_ = machine.cache_directory + "/calibration-" + task.name + "-" + to_hex(hash.finish()).substr(0, 24) + ".json";
  text_ = checked_body(slurp(path_));
}

bool CalibrationFile::load(TimedWorkload& timed, const std::vector<BaselinePlugin>& admitted) const {
  const json all = json::parse(text_, nullptr, false);
  if (!all.is_object() || !all.contains(timed.workload->name)) return false;
  try {
    const json& known = all.at(timed.workload->name);
    const std::optional<TimingMode> mode = timing_mode_from_string(known.at("mode").get<std::string>());
    const auto name = known.at("baseline").get<std::string>();
    if (!mode) return false;
    for (const BaselinePlugin& plugin : admitted) {
      if (plugin.name != name) continue;
      timed.mode = *mode;
      timed.baseline = plugin;
      timed.baseline_ns = known.at("baseline_ns").get<double>();
      timed.null_ns = known.at("null_ns").get<double>();
      timed.between_runner_sd = known.at("between_runner_sd").get<double>();
      timed.all_ns = known.at("all_ns").get<std::map<std::string, double>>();
      return timed.baseline_ns > 0;
    }
  } catch (const json::exception&) {
  }
  return false;
}

void CalibrationFile::store(const TimedWorkload& timed) {
  if (path_.empty()) return;
  json all = json::parse(text_, nullptr, false);
  if (!all.is_object()) all = json::object();
  all[timed.workload->name] = {{"mode", std::string(to_string(timed.mode))},
                               {"baseline", timed.baseline.name},
                               {"baseline_ns", timed.baseline_ns},
                               {"null_ns", timed.null_ns},
                               {"between_runner_sd", timed.between_runner_sd},
                               {"all_ns", timed.all_ns}};
  text_ = all.dump(1) + '\n';
  const std::string fresh = path_ + "." + std::to_string(::getpid());
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << with_digest(text_);
    if (!out) return;
  }
  std::error_code ignored;
  std::filesystem::rename(fresh, path_, ignored);
}

}  // namespace crucible
