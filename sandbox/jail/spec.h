#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crucible {

/// Which system calls the jailed process may make from its first instruction on. A candidate's runner narrows its own
/// profile further before it loads the artifact (runner/handshake.h).
enum class SeccompProfile : std::uint32_t {
  toolchain = 0,  ///< compilers: everything a program needs, nothing against the host, no socket
  trusted = 1,    ///< our own code or a production library: only what could harm the host is refused
  loading = 2,    ///< a runner until it enters its second stage: a refusal here would hide the evidence there
  device = 3,     ///< a runner with a device driver in it: Unix sockets, its devices and its own /proc, nothing against
                  ///< the host
};

/// Resource limits of the jailed process; 0 leaves a limit as the warden has it.
struct JailLimits {
  std::uint64_t address_space = 0;  ///< bytes
  std::uint64_t data = 0;           ///< bytes of private writable memory
  std::uint64_t file_size = 0;      ///< bytes
  std::uint64_t open_files = 0;
  std::uint64_t processes = 0;    ///< processes and threads together
  std::uint64_t stack = 0;        ///< bytes
  std::uint64_t cpu_seconds = 0;  ///< of each process: the backstop should even the init be gone
};

/// A file that the init writes into the work directory before the program starts.
struct WrittenFile {
  std::string name;          ///< relative; folders are made
  std::uint64_t descriptor;  ///< index into the descriptors that travel with the specification
};

/// A file that the init hands over after the program ended: regular, not a link, cut at `max_bytes`.
struct CollectedFile {
  std::string name;  ///< relative to the work directory; "*.s" takes the only file with that ending
  std::uint64_t max_bytes;
};

/// What to run in a jail and what it may touch. Says nothing about the host: the warden adds the walls that the host
/// allows. One specification serves host compilers, device compilers and runners.
struct JailSpec {
  std::string helper;   ///< executable of libexec to run, or empty
  std::string program;  ///< absolute path of the executable, when `helper` is empty
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  ///< NAME=value; nothing else is inherited

  /// The i-th descriptor that travels with the specification becomes this number in the process; −1: not passed on.
  std::vector<int> descriptor_targets;

  std::vector<std::string> readable;       ///< files and folders it may read, execute and map; missing ones are ignored
  std::vector<std::string> programs;       ///< installed programs whose shared libraries are readable too
  std::vector<std::string> devices;        ///< device nodes it may read and write
  std::uint64_t work_directory_bytes = 0;  ///< size of its private writable folder, where it starts; 0: it has none
  std::vector<WrittenFile> written;
  std::vector<CollectedFile> collected;

  JailLimits limits;
  std::chrono::milliseconds deadline{0};  ///< wall clock, enforced by the init; 0: none
  std::uint64_t output_bytes = 4096;      ///< how much of stdout and stderr is kept, at most 64 KiB
  std::vector<int> cpus;                  ///< affinity; empty: as the warden's
  SeccompProfile profile = SeccompProfile::toolchain;
  bool trusted = false;   ///< our own code: keeps our uid and view of the file system
  bool notifier = false;  ///< the program hands its seccomp listener to the init over descriptor kHandshakeDescriptor
  bool private_proc = false;

  std::string pack() const;
  static JailSpec unpack(std::string_view bytes);
};

inline constexpr int kHandshakeDescriptor = 3;

/// The walls to raise around one jail, decided by the warden from what its probe reached.
struct JailWalls {
  bool user_namespace = false;
  bool pid_namespace = false;
  bool mount_namespace = false;  ///< with a root of its own, entered by pivot_root
  bool net_namespace = false;
  bool ipc_namespace = false;
  bool uts_namespace = false;
  bool own_uid = false;
  bool landlock = false;
  bool counts_processes = false;  ///< RLIMIT_NPROC counts this jail's tasks apart from the user's; else the init counts
  std::uint32_t uid = 0;          ///< the jail's uid and gid, when own_uid
  std::string scratch_directory;  ///< without a mount namespace: an existing private folder for the work directory
};

/// What the warden tells a jail's init, as one sealed memfd.
struct JailPlan {
  JailSpec spec;
  JailWalls walls;
  std::string pack() const;
  static JailPlan unpack(std::string_view bytes);
};

/// Descriptor numbers of a jail's init at its start.
struct InitDescriptors {
  static constexpr int plan = 3;
  static constexpr int owner = 4;   ///< datagrams to and from the jail's owner
  static constexpr int warden = 5;  ///< end-of-file here means that the warden is gone
  static constexpr int helper = 6;  ///< the helper executable; /dev/null when the specification names a program
  static constexpr int first_passed = 7;
};

}  // namespace crucible
