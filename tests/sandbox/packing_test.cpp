#include "sandbox/packing.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "sandbox/jail/report.h"
#include "sandbox/jail/spec.h"

using namespace crucible;

TEST_CASE("a specification survives the trip") {
  JailSpec spec;
  spec.program = "/usr/bin/g++";
  spec.arguments = {"g++", "", "-O3"};
  spec.descriptor_targets = {-1, 4};
  spec.written = {{"a/b.h", 1}};
  spec.collected = {{"x.so", 77}};
  spec.limits.data = 1ull << 40;
  spec.deadline = std::chrono::milliseconds(1234);
  spec.cpus = {0, 3};
  spec.notifier = true;
  const JailSpec copy = JailSpec::unpack(spec.pack());
  CHECK(copy.arguments == spec.arguments);
  CHECK(copy.descriptor_targets == spec.descriptor_targets);
  CHECK(copy.written[0].name == "a/b.h");
  CHECK(copy.collected[0].max_bytes == 77);
  CHECK(copy.limits.data == spec.limits.data);
  CHECK(copy.deadline == spec.deadline);
  CHECK(copy.cpus == spec.cpus);
  CHECK(copy.notifier);
  CHECK(copy.pack() == spec.pack());
}

TEST_CASE("bytes cut anywhere throw and never read past the end") {
  JailSpec spec;
  spec.arguments = {"a", "b"};
  const std::string bytes = spec.pack();
  for (std::size_t length = 0; length < bytes.size(); ++length)
    CHECK_THROWS_AS(JailSpec::unpack(std::string_view(bytes).substr(0, length)), std::runtime_error);
  std::string huge = bytes;
  huge.replace(16, 8, std::string(8, '\xff'));
  CHECK_THROWS_AS(JailSpec::unpack(huge), std::runtime_error);
}

TEST_CASE("a report survives the trip") {
  JailReport report;
  report.fate = {FateKind::signalled, 11, "x"};
  report.output = std::string("a\0b", 3);
  report.deadline_passed = true;
  const JailReport copy = JailReport::unpack(report.pack());
  CHECK(copy.fate.code == 11);
  CHECK(copy.output == report.output);
  CHECK(copy.deadline_passed);
}
