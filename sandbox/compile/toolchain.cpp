#include "sandbox/compile/toolchain.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "sandbox/compile/preprocessed.h"
#include "sandbox/warden/warden.h"

namespace crucible {
namespace {

#if defined(__x86_64__)
constexpr const char* kMultiarch = "x86_64-linux-gnu";
#else
constexpr const char* kMultiarch = "aarch64-linux-gnu";
#endif

bool is_toolchain_header(const std::string& path) {
  constexpr std::array<std::string_view, 8> folders = {
      "/usr/include/c++/", "/usr/include/linux/", "/usr/include/asm-generic/", "/usr/include/asm/",
      "/usr/lib/gcc/",     "/usr/include/bits/",  "/usr/include/gnu/",         "/usr/include/sys/"};
  for (const std::string_view folder : folders)
    if (path.starts_with(folder)) return true;
  const std::string c_library = std::string("/usr/include/") + kMultiarch + "/";
  if (path.starts_with(c_library)) {
    const std::string rest = path.substr(c_library.size());
    constexpr std::array<std::string_view, 6> parts = {"bits/", "sys/", "gnu/", "asm/", "c++/", "fpu_control.h"};
    return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) { return rest.starts_with(part); });
  }
  // The C library's own headers lie directly in /usr/include.
  constexpr std::string_view top = "/usr/include/";
  return path.starts_with(top) && path.find('/', top.size()) == std::string::npos && path.ends_with(".h");
}

}  // namespace

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (const char* folder : {"/usr/bin/", "/bin/", "/usr/local/bin/"})
    if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
  throw std::runtime_error("compiler " + name + " is not installed");
}

std::vector<std::string> toolchain_paths() {
  const std::string multiarch = kMultiarch;
  return {"/usr/bin",
          "/bin",
          "/usr/lib/gcc",
          "/usr/libexec/gcc",
          "/usr/lib/" + multiarch,
          "/lib/" + multiarch,
          "/usr/lib64",
          "/lib64",
          "/lib/ld-linux-aarch64.so.1",
          "/usr/lib/bfd-plugins",
          "/usr/include",
          "/etc/alternatives",
          "/etc/ld.so.cache"};
}

std::string foreign_prefix(const std::string& compiler) {
  std::error_code ignored;
  const auto real = std::filesystem::canonical(compiler, ignored);
  const std::string prefix = real.parent_path().parent_path().string();
  return prefix == "/usr" || prefix == "/" || prefix.empty() ? std::string() : prefix;
}

HostToolchain host_toolchain() {
  const std::string libraries = std::string("/usr/lib/") + kMultiarch;
  std::error_code ignored;
  // A distribution that keeps its libraries in one flat folder: no telling them apart by place.
  if (!std::filesystem::exists(libraries + "/crt1.o", ignored)) return {toolchain_paths(), {}};

  HostToolchain chain;
  chain.readable = {"/usr/bin",
                    "/bin",
                    "/usr/lib/gcc",
                    "/usr/libexec/gcc",
                    "/usr/lib/bfd-plugins",
                    "/usr/include",
                    "/etc/alternatives",
                    "/etc/ld.so.cache",
                    "/lib64"};
  for (const char* file : {"crt1.o",
                           "Scrt1.o",
                           "rcrt1.o",
                           "gcrt1.o",
                           "crti.o",
                           "crtn.o",
                           "libc.so",
                           "libc.so.6",
                           "libc_nonshared.a",
                           "libm.so",
                           "libm.so.6",
                           "libmvec.so",
                           "libmvec.so.1",
                           "libpthread.a",
                           "libpthread.so.0",
                           "libdl.a",
                           "libdl.so.2",
                           "librt.a",
                           "librt.so.1",
                           "libgcc_s.so.1",
                           "libstdc++.so.6",
                           "libgomp.so.1",
                           "libatomic.so.1",
                           "libquadmath.so.0",
                           "ld-linux-x86-64.so.2",
                           "ld-linux-aarch64.so.1",
                           "libssp_nonshared.a"})
    chain.readable.push_back(libraries + "/" + file);
  chain.programs = {"/usr/bin/as", "/usr/bin/ld"};
  for (const char* folder : {"/usr/lib/gcc/", "/usr/libexec/gcc/"})
    for (const auto& version : std::filesystem::directory_iterator(std::string(folder) + kMultiarch, ignored))
      for (const char* program : {"cc1plus", "collect2"})
        if (const auto path = version.path() / program; std::filesystem::exists(path, ignored))
          chain.programs.push_back(path.string());
  return chain;
}

std::string foreign_header(std::string_view dependencies, const std::string& main_file, const std::string& prefix) {
  for (const std::string& file : listed_files(dependencies)) {
    if (file.empty() || file.back() == ':') continue;  // the target
    const std::string path = std::filesystem::path(file).lexically_normal().string();
    if (!prefix.empty() && path.starts_with(prefix + "/")) continue;
    if (path == main_file || path == "include/crucible/kernel.h" || is_toolchain_header(path)) continue;
    return path;
  }
  return {};
}

std::string include_directory() {
  if (const char* given = std::getenv("CRUCIBLE_INCLUDE"); given != nullptr && *given != 0) return given;
  return (std::filesystem::path(libexec_directory()) / ".." / "_include").lexically_normal().string();
}

}  // namespace crucible
