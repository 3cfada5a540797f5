#include "sandbox/jail/open_rules.h"

#include <doctest/doctest.h>
#include <fcntl.h>

using namespace crucible;

namespace {
std::string kind(const std::string& path, std::uint64_t flags = O_RDONLY) {
  const OpenJudgement judgement = judge_open(path, flags, 2);
  CHECK(judgement.error != 0);
  return judgement.finding->kind + (judgement.finding->conclusive ? "!" : "");
}
}  // namespace

TEST_CASE("what an open means") {
  CHECK(kind("/proc/self/mem") == "process_memory_access!");
  CHECK(kind("/proc/2/mem") == "process_memory_access!");
  CHECK(kind("/proc/1/environ") == "process_memory_access!");
  CHECK(kind("/proc//self/./task/2/mem") == "process_memory_access!");
  CHECK(kind("/proc/self/fd/5", O_RDWR) == "process_memory_access!");
  CHECK(kind("/proc/self/fd/5") == "file_access_denied");
  CHECK(kind("/proc/cpuinfo") == "file_access_denied");
  CHECK(kind("/proc/self/status") == "file_access_denied");
  CHECK(kind("/usr/lib/x86_64-linux-gnu/libopenblas.so.0") == "library_load!");
  CHECK(kind("./evil.so") == "library_load!");
  CHECK(kind("/lib/x86_64-linux-gnu/libgcc_s.so.1") == "file_access_denied");
  CHECK(kind("/lib/x86_64-linux-gnu/libnss_files.so.2") == "file_access_denied");
  CHECK(kind("/usr/lib/x86_64-linux-gnu/gconv/UTF-16.so") == "file_access_denied");
  CHECK(kind("/lib/x86_64-linux-gnu/libgomp-plugin-nvptx.so.1") == "file_access_denied");
  CHECK(kind("/lib/x86_64-linux-gnu/libmemkind.so.0") == "file_access_denied");
  CHECK(kind("/etc/ld.so.cache") == "file_access_denied");
  CHECK(kind("") == "file_access_denied");
  CHECK(kind("proc/1/mem") == "file_access_denied");  // relative: not that file
}
