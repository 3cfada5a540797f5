#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <vector>

namespace crucible {

/// One test of a system call's argument: (argument[index] & mask) == value, on its low 32 bits. That is how the kernel
/// reads every argument tested here (descriptors, flags, protections, pids, signals).
struct ArgumentTest {
  unsigned index;
  std::uint32_t mask;
  std::uint32_t value;
  std::uint32_t action;  ///< SECCOMP_RET_*
};

/// Builds a seccomp program. Another architecture or an x32 call kills the process.
class SeccompProgram {
 public:
  /// The first test that holds decides, else `otherwise`. A second rule for the same number is ignored.
  void rule(int number, std::vector<ArgumentTest> tests, std::uint32_t otherwise);
  void rule(int number, std::uint32_t action) { rule(number, {}, action); }

  /// The program, with `otherwise` for numbers that have no rule.
  std::vector<sock_filter> build(std::uint32_t otherwise) const;

 private:
  struct Rule {
    int number;
    std::vector<ArgumentTest> tests;
    std::uint32_t otherwise;
  };
  std::vector<Rule> rules_;
};

/// Installs a program for all threads; with `listener` returns the notification descriptor, else 0. −1 and errno on
/// failure. Needs no_new_privs.
int install_seccomp(const std::vector<sock_filter>& program, bool listener);

}  // namespace crucible
