#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/fate.h"
#include "sandbox/jail/finding.h"

namespace crucible {

/// Datagrams between a jail's init and its owner: one letter, then packed fields.
enum class JailMessage : char {
  // owner to init
  stop = 'S',      ///< answered by `stopped`, or by `ended` when there is nothing left to stop
  resume = 'C',    ///< not answered
  kill = 'K',      ///< answered by `ended`
  affinity = 'A',  ///< the cpus of every task of the jail; not answered
  output = 'O',    ///< answered by `captured`

  // init to owner
  started = 'b',  ///< the program runs
  failed = 'f',   ///< text: what could not be set up; the jail is gone
  stopped = 's',
  finding = 'n',
  captured = 'q',   ///< text: the output so far
  collected = 'o',  ///< text: name, with one descriptor
  ended = 'e',      ///< a JailReport; the jail is gone
};

/// How a jailed program ended. Everything but `output` is the init's own observation.
struct JailReport {
  Fate fate;
  bool deadline_passed = false;
  std::string output;  ///< hostile text
  std::chrono::nanoseconds cpu_time{0};
  std::uint64_t peak_memory_bytes = 0;

  std::string pack() const;
  static JailReport unpack(std::string_view bytes);
};

std::string pack(const JailFinding& finding);
JailFinding unpack_finding(std::string_view bytes);

}  // namespace crucible
