#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <stdexcept>

#include "sandbox/launcher/cubin.h"
#include "sandbox/launcher/launch_record.h"

/// What a candidate shapes on the way to a GPU, chosen by the first byte: the launches that its runner claims, the ELF
/// file that its text became.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crucible;
  if (size == 0) return 0;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  try {
    switch (data[0] % 2) {
      case 0: {
        const std::vector<std::byte> again = encode(decode_launch_record(bytes));
        if (encode(decode_launch_record(again)) != again) std::abort();
        break;
      }
      default: {
        std::size_t held = 0;
        for (const CubinGlobal& global : read_cubin(bytes).globals) held += global.initial.size();
        if (held > 64 * (size + (1u << 20))) std::abort();
      }
    }
  } catch (const std::runtime_error&) {
  }
  return 0;
}
