// What a campaign over many kernels asks of the product, without compiling each in a jail and without timing:
//   mutation_judge layouts TASK.yaml          every workload's call (shapes, strides, storages, scalars), as JSON
//   mutation_judge check TASK.yaml CACHE      reads paths of shared objects, one a line, and answers each with one line
//                                             of JSON: what the judge says after all correctness cases
// The judge is the product's own: pools, bars, jailed runner, checker. Helpers come from CRUCIBLE_LIBEXEC.
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "env/backend/cpu/judge.h"
#include "env/backend/cpu/machine.h"
#include "env/task/task.h"
#include "sandbox/sealed_memory.h"
#include "sandbox/warden/warden.h"

namespace crucible {
namespace {

using nlohmann::json;

json to_json(const Argument& argument) {
  json made = {{"name", argument.name}};
  switch (argument.kind) {
    case Argument::Kind::absent_tensor:
      made["kind"] = "absent";
      break;
    case Argument::Kind::float64:
      made["kind"] = "float64";
      made["value"] = argument.real;
      break;
    case Argument::Kind::int32:
    case Argument::Kind::int64:
      made["kind"] = "int";
      made["value"] = argument.integer;
      break;
    case Argument::Kind::tensor:
      made["kind"] = "tensor";
      made["dtype"] = std::string(to_string(argument.tensor.dtype));
      made["access"] = argument.tensor.access == Access::input    ? "input"
                       : argument.tensor.access == Access::output ? "output"
                                                                  : "inout";
      made["storage"] = argument.tensor.storage;
      made["byte_offset"] = argument.tensor.byte_offset;
      made["shape"] = argument.tensor.shape;
      made["strides"] = argument.tensor.strides;
      break;
  }
  return made;
}

void print_layouts(const Task& task) {
  json all = json::array();
  for (const Workload& workload : task.workloads) {
    const CallLayout layout = task.generator->layout(workload);
    json storages = json::array(), arguments = json::array();
    for (const StorageLayout& storage : layout.storages) storages.push_back(storage.bytes);
    for (const Argument& argument : layout.arguments) arguments.push_back(to_json(argument));
    all.push_back({{"workload", workload.name},
                   {"dtype", std::string(to_string(workload.dtype))},
                   {"hidden", workload.hidden},
                   {"storages", storages},
                   {"arguments", arguments}});
  }
  std::cout << json{{"task", task.name}, {"calls", all}}.dump() << '\n';
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw std::runtime_error(path + ": cannot be read");
  return text.str();
}

void check(const std::shared_ptr<const Task>& task, const std::string& cache) {
  JudgeSettings settings;
  settings.secret = "mutation campaign";
  settings.machine = claim_machine();
  settings.machine.libexec = libexec_directory();
  settings.machine.cache_directory = cache;
  Judge judge(Warden::launch({settings.machine.libexec, ""}), settings);
  std::uint64_t seed = 0;
  for (std::string path; std::getline(std::cin, path);) {
    const FileDescriptor artifact = sealed_copy("kernel", slurp(path));
    JudgeRequest request;
    request.task = task;
    request.artifacts = {artifact.get()};
    request.seed = ++seed;
    request.part = JudgePart::check;
    const Evaluation evaluation = judge.judge(request, {});
    std::cout << json{{"path", path},
                      {"verdict", std::string(to_string(evaluation.verdict))},
                      {"explanation", evaluation.explanation},
                      {"seconds", evaluation.stage_seconds.at("check")}}
                     .dump(-1, ' ', false, json::error_handler_t::replace)
              << std::endl;
  }
}

int run(int count, char** words) {
  const std::string mode = count > 2 ? words[1] : "";
  if (mode == "layouts") {
    print_layouts(*load_task(words[2], "cpu"));
  } else if (mode == "check" && count > 3) {
    check(load_task(words[2], "cpu"), words[3]);
  } else {
    std::cerr << "usage: mutation_judge layouts TASK.yaml | check TASK.yaml CACHE < paths\n";
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace crucible

int main(int count, char** words) {
  try {
    return crucible::run(count, words);
  } catch (const std::exception& error) {
    std::cerr << "mutation_judge: " << error.what() << '\n';
    return 1;
  }
}
