#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "sandbox/jail/report.h"
#include "sandbox/jail/spec.h"
#include "sandbox/warden/messages.h"

/// Every packed message, chosen by the first byte: unpacking ends in a value or in std::runtime_error, and a value
/// packs to bytes that unpack to the same bytes again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crucible;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto twice = [&](auto unpack, auto pack_again) {
    const std::string packed = pack_again(unpack(bytes));
    if (pack_again(unpack(packed)) != packed) std::abort();
  };
  const auto by_member = [](const auto& value) { return value.pack(); };
  const auto by_function = [](const auto& value) { return pack(value); };
  try {
    switch (data[0] % 6) {
      case 0:
        twice(unpack_trusted_request, by_function);
        break;
      case 1:
        twice(unpack_isolation_answer, by_function);
        break;
      case 2:
        twice(JailSpec::unpack, by_member);
        break;
      case 3:
        twice(JailPlan::unpack, by_member);
        break;
      case 4:
        twice(JailReport::unpack, by_member);
        break;
      default:
        twice(unpack_finding, by_function);
    }
  } catch (const std::runtime_error&) {
  }
  return 0;
}
