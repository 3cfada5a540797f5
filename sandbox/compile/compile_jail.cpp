#include "sandbox/compile/compile_jail.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "sandbox/compile/diagnostics.h"
#include "sandbox/compile/preprocessed.h"
#include "sandbox/compile/toolchain.h"
#include "sandbox/compile/view.h"
#include "sandbox/sealed_memory.h"
#include "sandbox/warden/jail_process.h"

namespace crucible {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;
constexpr std::size_t kMaxDiagnostics = 16u << 10;
constexpr std::size_t kMaxPreprocessed = 32u << 20;
constexpr std::size_t kMaxAssembly = 8u << 20;
constexpr const char* kStem = "candidate";
constexpr std::chrono::minutes kGrace{10};  // the init keeps the deadline, and stops its clock while frozen

std::vector<std::string> compiler_arguments(const CompileRequest& request) {
  std::vector<std::string> arguments = request.arguments;
  for (const char* flag : {
           "-Iinclude",
           "-D_GLIBCXX_USE_TBB_PAR_BACKEND=0",  // <execution> must not pull in another library where one is installed
           "-save-temps=obj",                   // preprocessed text and assembly fall out of the one compilation
           "-fdump-tree-lim2-lineno=candidate.gimple",  // costs nothing measurable; what novelty compares
           "-dumpdir",
           "./",
           "-dumpbase",
           kStem,
           "-MD",
           "-MF",
           "candidate.d",
           "-fmax-errors=20",
           "-fdiagnostics-plain-output",
           "-Wl,-z,defs",
           "-Wl,-z,noexecstack",
           "-Wl,--no-allow-shlib-undefined",
       })
    arguments.emplace_back(flag);
  if (!request.entry_point.empty()) arguments.push_back("-Wl,--require-defined=" + request.entry_point);
  arguments.insert(arguments.end(), {"-o", "candidate.so", request.file_name});
  return arguments;
}

JailSpec compile_spec(const CompileRequest& request) {
  JailSpec spec;
  spec.program = find_program(request.arguments.at(0));
  spec.arguments = compiler_arguments(request);
  spec.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "TMPDIR=.", "HOME=."};
  spec.descriptor_targets = {-1, -1};  // they become files
  spec.written = {{request.file_name, 0}, {"include/crucible/kernel.h", 1}};
  HostToolchain toolchain = host_toolchain();
  spec.readable = std::move(toolchain.readable);
  spec.programs = std::move(toolchain.programs);
  spec.programs.push_back(spec.program);
  if (const std::string prefix = foreign_prefix(spec.program); !prefix.empty()) spec.readable.push_back(prefix);
  spec.devices = {"/dev/null"};
  spec.work_directory_bytes = 512 * kMiB;
  spec.collected = {{"candidate.ii", kMaxPreprocessed},
                    {"candidate.s", kMaxAssembly},
                    {"candidate.gimple", kMaxAssembly},
                    {"candidate.d", 4 * kMiB},
                    {"candidate.so", request.output_bytes + 1}};
  spec.limits.address_space = request.memory_bytes;
  spec.limits.file_size = std::max<std::uint64_t>(request.output_bytes + 1, 64 * kMiB);
  spec.limits.open_files = 256;
  spec.limits.processes = 64;
  spec.limits.stack = 64 * kMiB;
  spec.limits.cpu_seconds = static_cast<std::uint64_t>(request.deadline.count()) / 1000 + 10;
  spec.deadline = request.deadline;
  spec.output_bytes = kMaxDiagnostics;
  return spec;
}

std::string text_of(std::map<std::string, FileDescriptor>& files, const std::string& name, std::size_t limit) {
  const auto file = files.find(name);
  return file == files.end() ? std::string() : read_all(file->second.get(), limit);
}

FileDescriptor open_kernel_header() {
  const std::string path = include_directory() + "/crucible/kernel.h";
  FileDescriptor header(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!header) throw std::system_error(errno, std::generic_category(), path);
  return header;
}

CompileResult::Status status_of(const JailReport& report, const CompileProblems& problems, bool has_artifact) {
  using Status = CompileResult::Status;
  if (report.deadline_passed) return Status::timed_out;
  if (report.fate.kind == FateKind::lost) return Status::infrastructure;
  const bool clean = report.fate.kind == FateKind::exited && report.fate.code == 0 && has_artifact;
  return clean && !problems.artifact_too_large && problems.foreign_header.empty() ? Status::ok : Status::error;
}

/// The dump of the view's compile; empty when it failed or took too long.
std::string dump_of_view(const std::string& text, const JailSpec& spec, const StartJail& start_jail,
                         std::stop_token stop) {
  const FileDescriptor view = sealed_copy("view", text);
  const int passed[] = {view.get()};
  JailProcess jail(start_jail(spec, passed));
  jail.await_start();
  if (!jail.wait(spec.deadline + kGrace, stop) && stop.stop_requested()) {
    jail.finish();
    throw Cancelled("compilation cancelled");
  }
  const JailReport& report = jail.finish();
  const bool done = report.fate.kind == FateKind::exited && report.fate.code == 0 && !report.deadline_passed;
  return done ? text_of(jail.files(), "candidate.gimple", kMaxAssembly) : std::string();
}

}  // namespace

CompileResult compile_in_jail(const CompileRequest& request, const StartJail& start_jail, std::stop_token stop) {
  if (request.arguments.empty()) throw std::runtime_error("a compile request needs a compiler");
  const FileDescriptor source = sealed_copy("source", request.source);
  const FileDescriptor header = open_kernel_header();
  const int passed[] = {source.get(), header.get()};

  JailProcess jail(start_jail(compile_spec(request), passed));
  const auto begun = std::chrono::steady_clock::now();
  jail.await_start();
  if (!jail.wait(request.deadline + kGrace, stop) && stop.stop_requested()) {
    jail.finish();
    throw Cancelled("compilation cancelled");
  }
  const JailReport& report = jail.finish();

  CompileResult result;
  result.compiler_time = std::chrono::steady_clock::now() - begun;
  result.fate = report.fate;
  result.assembly = text_of(jail.files(), "candidate.s", kMaxAssembly);
  result.gimple = text_of(jail.files(), "candidate.gimple", kMaxAssembly);
  const std::string dependencies = text_of(jail.files(), "candidate.d", 4 * kMiB);
  const std::string translation_unit = text_of(jail.files(), "candidate.ii", kMaxPreprocessed);
  result.preprocessed = own_lines(translation_unit, dependencies);

  const auto artifact = jail.files().find("candidate.so");
  const bool has_artifact = artifact != jail.files().end();
  CompileProblems problems;
  problems.artifact_too_large =
      has_artifact && ::lseek(artifact->second.get(), 0, SEEK_END) > static_cast<off_t>(request.output_bytes);
  problems.foreign_header =
      foreign_header(dependencies, request.file_name, foreign_prefix(find_program(request.arguments[0])));
  result.status = status_of(report, problems, has_artifact);
  if (result.status == CompileResult::Status::ok) result.artifact = std::move(artifact->second);
  result.diagnostics = readable_diagnostics(report, request, result.assembly, problems);
  if (result.status != CompileResult::Status::ok) return result;
  if (const std::optional<std::string> text = view_text(translation_unit, dependencies, request, result.gimple)) {
    result.gimple = dump_of_view(*text, view_spec(compile_spec(request)), start_jail, stop);
  }
  if (result.gimple.empty()) result.view_failure = "the compiler could not show what the code does";
  return result;
}

}  // namespace crucible
