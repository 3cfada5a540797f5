#include "sandbox/jail/written_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "sandbox/sealed_memory.h"

namespace crucible {
namespace {

constexpr std::size_t kMaxFile = 64u << 20;

[[noreturn]] void fail(const std::string& step) { throw std::system_error(errno, std::generic_category(), step); }

void write_file(const std::string& path, const std::string& bytes) {
  FileDescriptor file(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file) fail("creating " + path);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::write(file.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail("writing " + path);
    done += static_cast<std::size_t>(count);
  }
}

}  // namespace

void write_files(const JailPlan& plan, const JailView& view) {
  if (view.work_directory.empty()) return;
  for (const WrittenFile& file : plan.spec.written) {
    const std::string path = view.work_directory + "/" + file.name;
    for (std::size_t slash = path.find('/', view.work_directory.size() + 1); slash != std::string::npos;
         slash = path.find('/', slash + 1))
      if (::mkdir(path.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST) fail("mkdir for " + path);
    write_file(path, read_all(InitDescriptors::first_passed + static_cast<int>(file.descriptor), kMaxFile));
  }
  const bool other_uid = plan.walls.own_uid && !plan.walls.user_namespace && !plan.spec.trusted;
  if (other_uid && ::chown(view.work_directory.c_str(), plan.walls.uid, plan.walls.uid) != 0)
    fail("chown of the work directory");
}

}  // namespace crucible
