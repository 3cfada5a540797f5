#include "sandbox/jail/open_rules.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <string_view>
#include <vector>

namespace crucible {
namespace {

// Prefixes of library names that libc, libstdc++ and libgomp open on their own (libgomp: offloading, omp_alloc).
constexpr std::array<std::string_view, 16> kRuntimes = {
    "libc.so",    "libm.so",         "libstdc++.so",  "libgcc_s.so", "libgomp.so", "libpthread.so",
    "libdl.so",   "librt.so",        "ld-linux",      "libmvec.so",  "libnss_",    "libresolv.so",
    "linux-vdso", "libgomp-plugin-", "libmemkind.so", "libnuma.so"};

// "libz.so", "libz.so.1.2", not "ld.so.cache".
bool is_library(std::string_view name) {
  if (name.ends_with(".so")) return true;
  const std::size_t suffix = name.find(".so.");
  return suffix != std::string_view::npos &&
         name.find_first_not_of("0123456789.", suffix + 4) == std::string_view::npos;
}

bool is_runtime(std::string_view path, std::string_view name) {
  if (path.find("/gconv/") != std::string_view::npos) return true;
  return std::any_of(kRuntimes.begin(), kRuntimes.end(),
                     [&](std::string_view runtime) { return name.starts_with(runtime); });
}

std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part == ".." && !parts.empty()) {
      parts.pop_back();
    } else if (!part.empty() && part != "." && part != "..") {
      parts.push_back(part);
    }
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

JailFinding memory_access(const std::string& path) {
  return {"process_memory_access", "open(\"" + path.substr(0, 200) + "\")", true};
}

}  // namespace

OpenJudgement judge_open(const std::string& path, std::uint64_t flags, pid_t self) {
  const std::vector<std::string_view> parts = components(path);
  const std::string_view name = parts.empty() ? std::string_view() : parts.back();
  const bool writable = (flags & O_ACCMODE) != O_RDONLY;

  if (parts.size() >= 2 && parts[0] == "proc" && !path.empty() && path.front() == '/') {
    const std::string_view process = parts[1];
    const bool own = process == "self" || process == "thread-self" || process == std::to_string(self);
    if (is_number(process) && !own) return {EACCES, memory_access(path)};
    if (own && name == "mem") return {EACCES, memory_access(path)};
    const bool through_descriptor = std::find(parts.begin(), parts.end(), "fd") != parts.end();
    if (own && through_descriptor && writable) return {EACCES, memory_access(path)};
  }
  if (path == "/dev/mem" || path == "/dev/kmem" || path == "/proc/kcore") return {EACCES, memory_access(path)};
  if (is_library(name) && !is_runtime(path, name))
    return {EACCES, JailFinding{"library_load", "open(\"" + path.substr(0, 200) + "\")", true}};
  return {EACCES, JailFinding{"file_access_denied", "open(\"" + path.substr(0, 200) + "\")", false}};
}

}  // namespace crucible
