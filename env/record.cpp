#include "env/record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <utility>

#include "env/config_error.h"

namespace crucible {
namespace {

[[noreturn]] void fail(const std::string& path, const char* doing) {
  throw ConfigError(path + ": cannot " + doing + ": " + std::strerror(errno));
}

/// An open file that lets go of its lock when it closes.
class LockedFile {
 public:
  LockedFile(const std::string& path, int flags, int lock) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {
    if (fd_ < 0) fail(path, "open the records");
    while (::flock(fd_, lock) != 0) {
      if (errno == EINTR) continue;
      const int error = errno;
      ::close(fd_);
      errno = error;
      fail(path, "lock the records");
    }
  }
  ~LockedFile() { ::close(fd_); }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

/// Without this, a new file could be lost with its directory entry although its bytes are safe.
void sync_directory_of(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const int fd = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

bool same_bits(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

/// True when `line` ends inside its object or inside a text: what a kill leaves behind.
bool is_cut_short(std::string_view line) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_text && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text) {
      depth += (c == '{') - (c == '}');
    }
  }
  return in_text || depth > 0;
}

std::string read_all(const std::string& path) {
  const LockedFile file(path, O_RDONLY, LOCK_SH);
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(file.fd(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "read the records");
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

}  // namespace

void append_record(const std::string& path, const Record& record) {
  const Record* const one = &record;
  append_records(path, std::span(&one, 1));
}

void append_records(const std::string& path, std::span<const Record* const> records) {
  std::string text;
  for (const Record* record : records) text += to_json(*record) + "\n";
  if (text.empty()) return;
  const LockedFile file(path, O_RDWR | O_CREAT | O_APPEND, LOCK_EX);
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) fail(path, "look at the records");
  if (status.st_size > 0) {
    char last = 0;
    if (::pread(file.fd(), &last, 1, status.st_size - 1) != 1) fail(path, "read the records");
    if (last != '\n') text.insert(text.begin(), '\n');
  }
  ssize_t written = 0;
  do written = ::write(file.fd(), text.data(), text.size());
  while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(text.size())) {
    // A full disk: take the half line back, so that nobody has to skip it.
    const int error = written < 0 ? errno : ENOSPC;
    if (::ftruncate(file.fd(), status.st_size) != 0) fail(path, "take back a half-written record");
    errno = error;
    fail(path, "append a record");
  }
  if (::fsync(file.fd()) != 0) fail(path, "keep the record");
  if (status.st_size == 0) sync_directory_of(path);
}

ReadRecords read_records(const std::string& path) {
  const std::string text = read_all(path);
  ReadRecords result;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t newline = text.find('\n', begin);
    const std::size_t end = newline == std::string::npos ? text.size() : newline;
    const std::string_view line(text.data() + begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.empty()) continue;
    try {
      result.records.push_back(record_from_json(line));
    } catch (const ConfigError& error) {
      if (is_cut_short(line)) {
        ++result.torn;
      } else {
        result.problems.push_back(path + ":" + std::to_string(number) + ": " + error.what());
      }
    }
  }
  return result;
}

bool reward_agrees(const Record& record) {
  const Reward again = make_reward_model(record.settings)->score(record.evaluation);
  if (!same_bits(again.reward, record.reward.reward) || again.terms.size() != record.reward.terms.size()) return false;
  for (std::size_t i = 0; i < again.terms.size(); ++i) {
    if (again.terms[i].name != record.reward.terms[i].name) return false;
    if (!same_bits(again.terms[i].value, record.reward.terms[i].value)) return false;
  }
  return true;
}

}  // namespace crucible
