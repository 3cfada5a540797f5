#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "sandbox/warden/warden.h"

// Defined in programs that found an installed Crucible with CMake (crucibleConfig.cmake): they lie anywhere.
extern "C" [[gnu::weak]] const char* const crucible_installed_libexec;

namespace crucible {
namespace {

std::filesystem::path own_folder() {
  Dl_info info{};
  std::error_code ignored;
  const bool known = ::dladdr(reinterpret_cast<const void*>(&libexec_directory), &info) != 0 && info.dli_fname;
  std::filesystem::path self = known ? std::filesystem::path(info.dli_fname) : std::filesystem::path();
  // For the main executable dladdr gives argv[0], which may be relative to a folder that is no longer current.
  if (!self.is_absolute() || !std::filesystem::exists(self, ignored))
    self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return std::filesystem::weakly_canonical(self, ignored).parent_path();
}

}  // namespace

std::string libexec_directory() {
  if (const char* given = std::getenv("CRUCIBLE_LIBEXEC"); given != nullptr && *given != 0) return given;
  const std::filesystem::path folder = own_folder();
  std::error_code ignored;
  for (const std::filesystem::path& candidate : {folder / "_libexec", folder, folder / ".." / "_libexec"})
    if (std::filesystem::exists(candidate / "crucible-warden", ignored)) return candidate.lexically_normal().string();
  if (&crucible_installed_libexec != nullptr) return crucible_installed_libexec;
  return (folder / "_libexec").string();
}

}  // namespace crucible
