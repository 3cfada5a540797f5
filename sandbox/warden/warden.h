#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "sandbox/fate.h"
#include "sandbox/file_descriptor.h"
#include "sandbox/jail/finding.h"

namespace crucible {

/// The walls around a jailed process and whether each stood. `level` is "full" (root with everything), "user" (ordinary
/// user with user namespaces) or "container" (no namespaces: rlimits, no_new_privs, seccomp, clean environment, closed
/// descriptors and the wall clock only).
struct Isolation {
  std::string level;
  std::map<std::string, bool> walls;  ///< "own_uid", "pid_namespace", "net_namespace", "landlock", "seccomp", …
};

struct WardenOptions {
  std::string libexec;  ///< folder of the helper executables; empty: found relative to the loaded library
  std::string
      demanded_level;  ///< "", "container", "user", "full": below it launch() throws ConfigError-like runtime_error
};

struct CompileRequest {
  std::string source;                  ///< candidate text, already validated
  std::string entry_point;             ///< must be defined by the artifact
  std::vector<std::string> arguments;  ///< compiler and flags, argv[0] included; the jail adds input, output, includes
  std::chrono::milliseconds deadline{30000};
  std::size_t memory_bytes = 2ull << 30;
  std::size_t output_bytes = 64ull << 20;
  std::string file_name = "candidate.cpp";  ///< the name diagnostics show
};

struct CompileResult {
  enum class Status { ok, error, timed_out, infrastructure } status = Status::infrastructure;
  std::string diagnostics;   ///< bounded (16 KiB), paths of the jail removed
  FileDescriptor artifact;   ///< sealed memfd with the shared object; valid when ok
  std::string preprocessed;  ///< the candidate's own lines after preprocessing (bounded, 1 MiB); may be empty
  std::string assembly;      ///< compiler's assembly (bounded, 8 MiB); may be empty
  std::string gimple;        ///< `-fdump-tree-lim2-lineno` of the same compile, or of the view (compile/view.h); 8 MiB
  std::string view_failure;  ///< why there is no `gimple` although the source compiles; empty when there is one
  std::chrono::nanoseconds compiler_time{0};
  Fate fate;
};

enum class RunnerProfile { candidate, baseline };

struct RunnerRequest {
  int artifact = -1;  ///< sealed memfd with the shared object (candidate), or an open .so (baseline)
  std::string path;   ///< baseline profile: path of the plug-in instead of `artifact`
  std::string entry_point;
  int control = -1;       ///< memfd with a ControlPage and its call table
  int arena = -1;         ///< memfd with the arena
  std::vector<int> cpus;  ///< affinity of the runner
  RunnerProfile profile = RunnerProfile::candidate;
  std::size_t memory_bytes = 4ull << 30;           ///< beyond the arena
  std::map<std::string, std::string> environment;  ///< OMP_NUM_THREADS, OPENBLAS_CORETYPE, …
};

/// A runner in its jail, held through its init. Not thread-safe. The destructor kills and reaps.
class Runner {
 public:
  virtual ~Runner() = default;
  /// Stops every thread of the runner and returns when they are stopped; false when it has ended instead.
  virtual bool stop() = 0;
  /// Lets a stopped runner go on.
  virtual void resume() = 0;
  /// Whether the runner has ended; never blocks. Cheap enough for a spin loop's slow path.
  virtual bool ended() = 0;
  /// Kills if running, waits until reaped, returns how it ended.
  virtual Fate finish() = 0;
  /// Findings so far (drained by finish()).
  virtual std::vector<JailFinding> findings() = 0;
  /// First 4 KiB that it wrote to stdout and stderr: hostile text.
  virtual std::string output() = 0;
};

struct JailSpec;

/// Client of the warden process. Thread-safe: calls from several threads are in flight at once; every message carries a
/// request id, so a late answer is never taken for another question's. Destroying the last client ends the warden and
/// everything it started.
class Warden {
 public:
  virtual ~Warden() = default;

  /// Starts a warden process. Throws std::runtime_error when it cannot run or the demanded level is not reached.
  static std::shared_ptr<Warden> launch(const WardenOptions& options);

  /// Adopts an inherited descriptor connected to a warden (inside the judge).
  static std::shared_ptr<Warden> adopt(FileDescriptor socket);

  virtual Isolation isolation() const = 0;

  /// Compiles in a jail. Blocks; returns early with Status::timed_out at the deadline. Throws Cancelled when `stop`
  /// fires, WardenLost when the warden died.
  virtual CompileResult compile(const CompileRequest& request, std::stop_token stop = {}) = 0;

  /// Starts a runner; returns when its init acknowledged the start (not when it is ready: see ControlPage::state).
  virtual std::unique_ptr<Runner> spawn_runner(const RunnerRequest& request) = 0;

  /// Starts any jail and returns its owner's end (a JailProcess); the descriptors are those of the specification, in
  /// its order. What compile() and spawn_runner() are made of, for device compilers and device runners.
  virtual FileDescriptor start_jail(const JailSpec& spec, std::span<const int> descriptors) = 0;

  /// Stops every compile jail of this warden, those started later too, until called with false or until this client is
  /// gone: the judge times nothing beside a compiler. Their deadlines stand still meanwhile.
  virtual void freeze_compilations(bool freeze) = 0;

  /// Starts a trusted helper from libexec ("crucible-judge") with one end of a socket as descriptor 3 and a warden
  /// client socket as descriptor 4; returns the other end of the first. The helper dies with the warden.
  virtual FileDescriptor spawn_trusted(const std::string& executable, const std::vector<std::string>& arguments) = 0;
};

struct Cancelled : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct WardenLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Folder of helper executables: CRUCIBLE_LIBEXEC, else relative to the library or executable this code is part of.
std::string libexec_directory();

}  // namespace crucible
