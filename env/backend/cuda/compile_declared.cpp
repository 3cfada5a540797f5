#include "env/backend/cuda/compile_declared.h"

#include <algorithm>
#include <regex>

#include "env/backend/cuda/declared_launches.h"
#include "sandbox/sealed_memory.h"

namespace crucible {
namespace {

constexpr std::int64_t kAnyProcessors = 100;  // a declaration must hold for every device

CudaCompileResult error_at(const LaunchError& error) {
  CudaCompileResult result;
  result.host.status = CompileResult::Status::error;
  result.host.diagnostics = "candidate.cu(" + std::to_string(error.line) + "): error: " + error.what() + "\n";
  return result;
}

}  // namespace

std::optional<CudaCompileResult> compile_declared(DeviceCompilers& compilers, Warden& warden, const Task& task,
                                                  const std::string& source, std::stop_token stop) {
  DeviceCompileRequest request;
  try {
    const std::optional<DeclaredLaunches> launches = DeclaredLaunches::find(source);
    if (!launches || std::regex_search(source, std::regex("\\bint\\s+" + task.name + "\\s*\\("))) return std::nullopt;
    for (const Workload& workload : task.workloads) {
      (void)launches->call({task.generator->layout(workload), kAnyProcessors}, workload.dtype, {});
      for (const std::string& kernel : launches->kernels(workload.dtype))
        if (std::find(request.kernels.begin(), request.kernels.end(), kernel) == request.kernels.end())
          request.kernels.push_back(kernel);
    }
  } catch (const LaunchError& error) {
    return error_at(error);
  }
  request.source = source;
  DeviceCompileResult result = compilers.compile(warden, request, stop);
  if (result.compiled.host.status == CompileResult::Status::ok)
    result.compiled.host.artifact = sealed_copy("plan", pack_plan(source, result.functions));
  return std::move(result.compiled);
}

}  // namespace crucible
