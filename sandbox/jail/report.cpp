#include "sandbox/jail/report.h"

#include "sandbox/packing.h"

namespace crucible {

std::string JailReport::pack() const {
  Packer packer;
  packer.number(static_cast<std::uint64_t>(fate.kind));
  packer.number(static_cast<std::uint64_t>(static_cast<std::int64_t>(fate.code)));
  packer.text(fate.detail);
  packer.number(deadline_passed);
  packer.text(output);
  packer.number(static_cast<std::uint64_t>(cpu_time.count()));
  packer.number(peak_memory_bytes);
  return packer.bytes();
}

JailReport JailReport::unpack(std::string_view bytes) {
  Unpacker unpacker(bytes);
  JailReport report;
  report.fate.kind = static_cast<FateKind>(unpacker.number());
  report.fate.code = static_cast<int>(static_cast<std::int64_t>(unpacker.number()));
  report.fate.detail = unpacker.text();
  report.deadline_passed = unpacker.number() != 0;
  report.output = unpacker.text();
  report.cpu_time = std::chrono::nanoseconds(unpacker.number());
  report.peak_memory_bytes = unpacker.number();
  return report;
}

std::string pack(const JailFinding& finding) {
  Packer packer;
  packer.text(finding.kind);
  packer.text(finding.evidence);
  packer.number(finding.conclusive);
  return packer.bytes();
}

JailFinding unpack_finding(std::string_view bytes) {
  Unpacker unpacker(bytes);
  JailFinding finding;
  finding.kind = unpacker.text();
  finding.evidence = unpacker.text();
  finding.conclusive = unpacker.number() != 0;
  return finding;
}

}  // namespace crucible
