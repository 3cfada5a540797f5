#include "sandbox/compile/cuda/cuda_compile.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "sandbox/compile/preprocessed.h"
#include "sandbox/compile/toolchain.h"
#include "sandbox/jail/spec.h"
#include "sandbox/sealed_memory.h"
#include "sandbox/warden/jail_process.h"

namespace crucible {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;
constexpr std::size_t kMaxDiagnostics = 16u << 10;
constexpr std::size_t kMaxPtx = 8u << 20;
constexpr std::size_t kMaxText = 32u << 20;
constexpr std::size_t kMaxArtifact = 64u << 20;
constexpr std::chrono::milliseconds kGrace{5000};  // beyond the deadline that the init keeps

JailSpec cuda_spec(const CudaCompileRequest& request) {
  const std::filesystem::path toolkit = std::filesystem::path(request.nvcc).parent_path().parent_path();
  const std::string sm = request.architecture;
  JailSpec spec;
  spec.helper = "crucible-cudac";
  // `--keep` leaves the cubin and the PTX beside the shared object that was made of them.
  spec.arguments = {"crucible-cudac",
                    request.nvcc,
                    "-std=c++20",
                    "-O3",
                    "-gencode",
                    "arch=compute_" + sm + ",code=sm_" + sm,
                    "--keep",
                    "--keep-dir",
                    ".",
                    "-Iinclude",
                    "-shared",
                    "-Xcompiler",
                    "-fPIC,-fvisibility=hidden,-fmax-errors=20,-fdiagnostics-plain-output",
                    "-Xptxas",
                    "-v",
                    "-Xlinker",
                    "-z,noexecstack"};
  if (!request.entry_point.empty()) {
    spec.arguments.emplace_back("-Xlinker");
    spec.arguments.push_back("--require-defined=" + request.entry_point);
  }
  for (const char* last : {"-o", "candidate.so", "candidate.cu"}) spec.arguments.emplace_back(last);
  spec.environment = {"PATH=" + (toolkit / "bin").string() + ":/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "TMPDIR=.",
                      "HOME=."};
  spec.descriptor_targets = {-1, -1};  // they become files
  spec.written = {{"candidate.cu", 0}, {"include/crucible/kernel.h", 1}};
  spec.readable = toolchain_paths();
  for (const char* shell : {"/bin/sh", "/usr/bin/dash"}) spec.readable.emplace_back(shell);
  spec.readable.push_back(toolkit.string());
  spec.devices = {"/dev/null"};
  spec.work_directory_bytes = 1024 * kMiB;
  spec.collected = {{"candidate.so", kMaxArtifact},
                    {"candidate.cubin", kMaxArtifact},
                    {"candidate.ptx", kMaxPtx},
                    {"candidate.cpp4.ii", kMaxText},
                    {"candidate.d", 4 * kMiB}};
  spec.limits.address_space = 8192 * kMiB;
  spec.limits.file_size = 256 * kMiB;
  spec.limits.open_files = 256;
  spec.limits.processes = 128;
  spec.limits.stack = 64 * kMiB;
  spec.deadline = request.deadline;
  spec.output_bytes = kMaxDiagnostics;
  return spec;
}

FileDescriptor kernel_header() {
  const std::string path = include_directory() + "/crucible/kernel.h";
  FileDescriptor header(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!header) throw std::system_error(errno, std::generic_category(), path);
  return header;
}

FileDescriptor take(std::map<std::string, FileDescriptor>& files, const char* name) {
  const auto found = files.find(name);
  return found == files.end() ? FileDescriptor() : std::move(found->second);
}

}  // namespace

CudaCompileResult compile_cuda(Warden& warden, const CudaCompileRequest& request, std::stop_token stop) {
  const FileDescriptor source = sealed_copy("source", request.source);
  const FileDescriptor header = kernel_header();
  const int passed[] = {source.get(), header.get()};
  const auto begun = std::chrono::steady_clock::now();
  JailProcess jail(warden.start_jail(cuda_spec(request), passed));
  jail.await_start();
  if (!jail.wait(request.deadline + kGrace, stop) && stop.stop_requested()) {
    jail.finish();
    throw Cancelled("compilation cancelled");
  }
  const JailReport& report = jail.finish();
  CudaCompileResult result;
  result.host.compiler_time = std::chrono::steady_clock::now() - begun;
  result.host.fate = report.fate;
  result.host.diagnostics = report.output;
  result.host.artifact = take(jail.files(), "candidate.so");
  result.device_code = take(jail.files(), "candidate.cubin");
  if (const FileDescriptor ptx = take(jail.files(), "candidate.ptx"))
    result.host.assembly = read_all(ptx.get(), kMaxPtx);
  const FileDescriptor text = take(jail.files(), "candidate.cpp4.ii");
  const FileDescriptor dependencies = take(jail.files(), "candidate.d");
  if (text && dependencies)
    result.host.preprocessed = own_lines(read_all(text.get(), kMaxText), read_all(dependencies.get(), 4 * kMiB));
  using Status = CompileResult::Status;
  const bool clean = report.fate.kind == FateKind::exited && report.fate.code == 0 && result.host.artifact;
  result.host.status = report.deadline_passed               ? Status::timed_out
                       : report.fate.kind == FateKind::lost ? Status::infrastructure
                       : clean                              ? Status::ok
                                                            : Status::error;
  if (result.host.status != Status::ok) result.host.artifact.reset();
  return result;
}

std::string find_nvcc() {
  std::vector<std::string> places;
  if (const char* chosen = std::getenv("CRUCIBLE_NVCC"); chosen != nullptr && *chosen != '\0')
    places.emplace_back(chosen);
  if (const char* toolkit = std::getenv("CUDA_PATH"); toolkit != nullptr && *toolkit != '\0')
    places.push_back(std::string(toolkit) + "/bin/nvcc");
  places.emplace_back("/usr/local/cuda/bin/nvcc");
  if (const char* path = std::getenv("PATH"); path != nullptr) {
    std::string rest = path;
    while (!rest.empty()) {
      const std::size_t colon = rest.find(':');
      places.push_back(rest.substr(0, colon) + "/nvcc");
      rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
    }
  }
  for (const std::string& place : places) {
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(place, error);
    if (!error && ::access(real.c_str(), X_OK) == 0) return real.string();
  }
  return {};
}

}  // namespace crucible
