#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/runner/control.h"
#include "sandbox/warden/warden.h"

namespace crucible::test {

/// One warden for all tests of a level ("" = the host's own).
std::shared_ptr<Warden> warden(const std::string& level = "");

/// A program of tests/sandbox/programs, compiled once.
const CompileResult& program(const std::string& file);
std::string program_text(const std::string& file);
CompileRequest request_for(const std::string& source, const std::string& entry_point);

/// What came of one call in a fresh runner.
struct Outcome {
  bool loaded = false;
  bool returned = false;  ///< the call came back within the patience
  int code = 0;
  bool threw = false;
  std::string message;
  Fate fate;
  std::vector<JailFinding> findings;
  std::string output;
};

/// A runner with its memory; calls `act(out, which, NULL)`.
class Rig {
 public:
  explicit Rig(int artifact, const std::string& level = "", std::map<std::string, std::string> environment = {},
               std::shared_ptr<Warden> own = nullptr, const std::string& plugin = "");
  ~Rig();
  /// False when the runner ended before it was ready.
  bool await_ready(std::chrono::milliseconds patience = std::chrono::seconds(20));
  /// True when the call came back.
  bool call(std::int64_t which, std::chrono::milliseconds patience = std::chrono::seconds(20));
  bool step(RunnerOperation operation, std::chrono::milliseconds patience);

  ControlPage* page = nullptr;
  float* arena = nullptr;
  std::unique_ptr<Runner> runner;

 private:
  FileDescriptor control_, arena_;
};

/// Everything about one act, from a fresh runner that is finished afterwards.
Outcome run_act(const CompileResult& compiled, std::int64_t which, const std::string& level = "",
                std::chrono::milliseconds patience = std::chrono::seconds(20), std::shared_ptr<Warden> own = nullptr);

bool has_finding(const Outcome& outcome, const std::string& kind, bool conclusive);
bool accused(const Outcome& outcome);

}  // namespace crucible::test
