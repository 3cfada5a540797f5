#include "sandbox/compile/cuda/device_compilers.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "sandbox/compile/toolchain.h"
#include "sandbox/jail/spec.h"
#include "sandbox/sealed_memory.h"
#include "sandbox/warden/jail_process.h"

namespace crucible {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;
constexpr std::size_t kMaxDiagnostics = 16u << 10;
constexpr std::size_t kMaxPtx = 8u << 20;
constexpr std::size_t kMaxArtifact = 64u << 20;
constexpr std::size_t kMaxNames = 1u << 20;

std::map<std::string, std::string> table_of(const std::string& text) {
  std::map<std::string, std::string> table;
  std::size_t at = 0;
  const auto line = [&] {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string taken = text.substr(at, end - at);
    at = std::min(end + 1, text.size());
    return taken;
  };
  while (at < text.size()) {
    const std::string name = line();
    table[name] = line();
  }
  return table;
}

void send_all(int socket, const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t sent = ::send(socket, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return;  // it died meanwhile: its jail says how
    at += static_cast<std::size_t>(sent);
  }
  (void)::shutdown(socket, SHUT_WR);
}

}  // namespace

/// A jail with NVRTC in it, waiting for its one text.
struct DeviceCompilers::Standing {
  Standing(Warden& of, FileDescriptor owner, FileDescriptor end)
      : warden(&of), jail(std::move(owner)), socket(std::move(end)) {}
  Warden* warden;  ///< whose it is; compared, never used
  JailProcess jail;
  FileDescriptor socket;
};

DeviceCompilers::DeviceCompilers(const std::string& nvcc, std::string architecture, std::size_t standing)
    : library_(find_nvrtc(nvcc)), architecture_(std::move(architecture)), count_(standing) {
  const std::filesystem::path toolkit = std::filesystem::path(nvcc).parent_path().parent_path();
  for (const char* folder : {"include", "include/cccl"})
    if (std::filesystem::exists(toolkit / folder)) includes_.push_back((toolkit / folder).string());
  readable_ = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", toolkit.string()};
  if (!library_.empty()) readable_.push_back(std::filesystem::path(library_).parent_path().string());
}

DeviceCompilers::~DeviceCompilers() = default;

std::unique_ptr<DeviceCompilers::Standing> DeviceCompilers::start(Warden& warden) const {
  if (library_.empty())
    throw std::runtime_error("no NVRTC: install it with the CUDA Toolkit, or set CRUCIBLE_NVRTC to libnvrtc.so");
  JailSpec spec;
  spec.helper = "crucible-nvrtc";
  spec.arguments = {"crucible-nvrtc", library_, architecture_};
  spec.arguments.insert(spec.arguments.end(), includes_.begin(), includes_.end());
  // NVRTC's built-ins lie beside it.
  spec.environment = {"LC_ALL=C", "HOME=.", "TMPDIR=.",
                      "LD_LIBRARY_PATH=" + std::filesystem::path(library_).parent_path().string()};
  spec.descriptor_targets = {4};
  spec.readable = readable_;
  spec.devices = {"/dev/null"};
  spec.work_directory_bytes = 256 * kMiB;
  spec.collected = {{"candidate.cubin", kMaxArtifact}, {"candidate.ptx", kMaxPtx}, {"names.txt", kMaxNames}};
  spec.limits.address_space = 8192 * kMiB;
  spec.limits.file_size = 128 * kMiB;
  spec.limits.open_files = 256;
  spec.limits.processes = 64;
  spec.limits.stack = 64 * kMiB;
  spec.limits.cpu_seconds = 120;  // no deadline: it stands by
  spec.output_bytes = kMaxDiagnostics;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  FileDescriptor ours(ends[0]);
  const FileDescriptor theirs(ends[1]);
  const int passed[] = {theirs.get()};
  auto standing = std::make_unique<Standing>(warden, warden.start_jail(spec, passed), std::move(ours));
  standing->jail.await_start();
  return standing;
}

void DeviceCompilers::stand_by(Warden& warden) {
  const std::lock_guard lock(guard_);
  std::erase_if(standing_, [&](const auto& s) { return s->warden != &warden || s->jail.ended(); });
  while (standing_.size() < count_) standing_.push_back(start(warden));
}

DeviceCompileResult DeviceCompilers::compile(Warden& warden, const DeviceCompileRequest& request,
                                             std::stop_token stop) {
  std::unique_ptr<Standing> mine;
  {
    const std::lock_guard lock(guard_);
    std::erase_if(standing_, [&](const auto& s) { return s->warden != &warden || s->jail.ended(); });
    if (!standing_.empty()) {
      mine = std::move(standing_.front());
      standing_.pop_front();
    }
  }
  const auto begun = std::chrono::steady_clock::now();
  if (!mine) mine = start(warden);
  std::string text = std::to_string(request.kernels.size()) + "\n";
  for (const std::string& kernel : request.kernels) text += kernel + "\n";
  send_all(mine->socket.get(), text + request.source);
  stand_by(warden);  // while it compiles
  const bool ended = mine->jail.wait(request.deadline, stop);
  if (!ended && stop.stop_requested()) {
    mine->jail.finish();
    throw Cancelled("compilation cancelled");
  }
  const JailReport& report = mine->jail.finish();
  DeviceCompileResult result;
  CompileResult& host = result.compiled.host;
  host.compiler_time = std::chrono::steady_clock::now() - begun;
  host.fate = report.fate;
  host.diagnostics = report.output;
  const auto take = [&](const char* name) {
    const auto found = mine->jail.files().find(name);
    return found == mine->jail.files().end() ? FileDescriptor() : std::move(found->second);
  };
  result.compiled.device_code = take("candidate.cubin");
  if (const FileDescriptor ptx = take("candidate.ptx")) host.assembly = read_all(ptx.get(), kMaxPtx);
  if (const FileDescriptor names = take("names.txt")) result.functions = table_of(read_all(names.get(), kMaxNames));
  using Status = CompileResult::Status;
  constexpr int kOwnFailure = 2;  // of crucible-nvrtc itself: no library, say
  const bool exited = report.fate.kind == FateKind::exited;
  host.status = !ended                                                           ? Status::timed_out
                : report.fate.kind == FateKind::lost                             ? Status::infrastructure
                : exited && report.fate.code == kOwnFailure                      ? Status::infrastructure
                : exited && report.fate.code == 0 && result.compiled.device_code ? Status::ok
                                                                                 : Status::error;
  return result;
}

std::string find_nvrtc(const std::string& nvcc) {
  if (const char* chosen = std::getenv("CRUCIBLE_NVRTC"); chosen != nullptr && *chosen != '\0') return chosen;
  const std::filesystem::path toolkit = std::filesystem::path(nvcc).parent_path().parent_path();
  for (const char* folder : {"lib64", "lib", "targets/x86_64-linux/lib"}) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(toolkit / folder, error)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("libnvrtc.so.") && std::count(name.begin(), name.end(), '.') == 2)
        return std::filesystem::canonical(entry.path()).string();
    }
  }
  return {};
}

}  // namespace crucible
