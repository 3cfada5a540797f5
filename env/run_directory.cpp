#include "env/run_directory.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "env/config_error.h"
#include "sandbox/file_descriptor.h"

namespace crucible {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSecretBytes = 32;

void make(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw ConfigError(path + ": cannot make the folder: " + error.message());
  ::chmod(path.c_str(), 0700);
}

std::string fresh_name() {
  std::array<char, 32> text{};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::strftime(text.data(), text.size(), "%Y%m%d-%H%M%S", &utc);
  return std::string(text.data()) + "-" + std::to_string(::getpid());
}

/// Reads the secret, or draws it; two processes that open one fresh directory agree, because one link() wins.
std::string secret_of(const std::string& path) {
  const std::string file = path + "/secret";
  for (int attempt = 0; attempt < 2; ++attempt) {
    FileDescriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (in) {
      std::string secret(256, '\0');
      const ssize_t n = ::read(in.get(), secret.data(), secret.size());
      if (n < static_cast<ssize_t>(kSecretBytes)) throw ConfigError(file + ": too short; remove it to draw a new one");
      secret.resize(static_cast<std::size_t>(n));
      return secret;
    }
    if (errno != ENOENT) throw ConfigError(file + ": " + std::strerror(errno));
    std::array<char, kSecretBytes> drawn;
    if (::getrandom(drawn.data(), drawn.size(), 0) != static_cast<ssize_t>(drawn.size()))
      throw ConfigError(std::string("no random bytes: ") + std::strerror(errno));
    const std::string fresh = file + "." + std::to_string(::getpid());
    FileDescriptor out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!out || ::write(out.get(), drawn.data(), drawn.size()) != static_cast<ssize_t>(drawn.size()))
      throw ConfigError(fresh + ": " + std::strerror(errno));
    ::link(fresh.c_str(), file.c_str());  // loses to a process that was faster: both then read the winner's
    ::unlink(fresh.c_str());
  }
  throw ConfigError(file + ": cannot be made");
}

}  // namespace

RunDirectory open_run_directory(const std::string& path, const std::string& secret) {
  RunDirectory run;
  run.path = path.empty() ? (fs::path("runs") / fresh_name()).string() : path;
  make(run.path);
  run.path = fs::absolute(run.path).lexically_normal().string();
  run.secret = secret.empty() ? secret_of(run.path) : secret;
  return run;
}

std::string cache_directory() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  std::string path = cache != nullptr && *cache != '\0' ? std::string(cache) + "/crucible"
                     : home != nullptr && *home != '\0' ? std::string(home) + "/.cache/crucible"
                                                        : "/tmp/crucible-" + std::to_string(::getuid());
  make(path);
  return path;
}

}  // namespace crucible
