#include "sandbox/jail/bpf.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace crucible {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "no seccomp tables for this architecture"
#endif

constexpr std::uint32_t kX32Bit = 0x40000000;

sock_filter load(std::uint32_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset); }
sock_filter give(std::uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }

// Offset of the low half of an argument (both supported architectures are little-endian).
std::uint32_t argument_offset(unsigned index) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + index * sizeof(std::uint64_t));
}

}  // namespace

void SeccompProgram::rule(int number, std::vector<ArgumentTest> tests, std::uint32_t otherwise) {
  if (number < 0) return;  // this architecture has no such call
  const bool known = std::any_of(rules_.begin(), rules_.end(), [&](const Rule& r) { return r.number == number; });
  if (!known) rules_.push_back({number, std::move(tests), otherwise});
}

std::vector<sock_filter> SeccompProgram::build(std::uint32_t otherwise) const {
  std::vector<sock_filter> program;
  program.push_back(load(offsetof(seccomp_data, arch)));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0));
  program.push_back(give(SECCOMP_RET_KILL_PROCESS));
  program.push_back(load(offsetof(seccomp_data, nr)));
#if defined(__x86_64__)
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32Bit, 0, 1));
  program.push_back(give(SECCOMP_RET_KILL_PROCESS));
#endif
  for (const Rule& rule : rules_) {
    std::vector<sock_filter> block;
    for (const ArgumentTest& test : rule.tests) {
      block.push_back(load(argument_offset(test.index)));
      block.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, test.mask));
      block.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, test.value, 0, 1));
      block.push_back(give(test.action));
    }
    block.push_back(give(rule.otherwise));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(rule.number), 0,
                               static_cast<std::uint8_t>(block.size())));
    program.insert(program.end(), block.begin(), block.end());
  }
  program.push_back(give(otherwise));
  return program;
}

int install_seccomp(const std::vector<sock_filter>& program, bool listener) {
  sock_fprog form{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
  const unsigned flags = listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : SECCOMP_FILTER_FLAG_TSYNC;
  return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &form));
}

}  // namespace crucible
