#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "env/digested.h"
#include "env/judge/calibration_file.h"

/// Whatever a calibration file holds below a digest that fits: a workload is either unknown or has a baseline that is
/// admitted and a time above zero.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crucible;
  static const std::string folder = "/tmp/crucible-fuzz-calibration-" + std::to_string(::getpid());
  static const BaselinePlugin known = [] {
    BaselinePlugin plugin;
    plugin.name = "intree";
    return plugin;
  }();
  Machine machine;
  machine.cache_directory = folder;
  Task task;
  task.name = "softmax";
  CalibrationFile(machine, task, {});  // makes the folder
  Workload workload;
  workload.name = "decode";
  TimedWorkload timed;
  timed.workload = &workload;
  static const std::string path = [&] {
    CalibrationFile maker(machine, task, {});
    maker.store(timed);
    return std::filesystem::directory_iterator(folder)->path().string();
  }();
  {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << with_digest(std::string(reinterpret_cast<const char*>(data), size));
  }
  TimedWorkload read;
  read.workload = &workload;
  if (CalibrationFile(machine, task, {}).load(read, {known}) &&
      (!(read.baseline_ns > 0) || read.baseline.name != "intree"))
    std::abort();
  std::filesystem::remove(path);
  return 0;
}
