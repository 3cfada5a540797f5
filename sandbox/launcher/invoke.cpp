#include "sandbox/launcher/invoke.h"

#include <array>
#include <cstddef>

namespace crucible {
namespace {

struct Descriptor {  // DLPack's DLTensor
  void* data;
  std::int32_t device_type;
  std::int32_t device_id;
  std::int32_t ndim;
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
  std::int64_t* shape;
  std::int64_t* strides;
  std::uint64_t byte_offset;
};
static_assert(sizeof(Descriptor) == 48);

constexpr std::int32_t kDLCUDA = 2;
constexpr std::uint64_t kNull = ~std::uint64_t{0};

using I = std::int64_t;
using D = double;
// x86-64 and aarch64 pass integers and doubles in registers of their own, and integers beyond the registers in order on
// the stack: one signature serves every entry point of at most 16 integers and 8 doubles.
using Universal = int (*)(I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, D, D, D, D, D, D, D, D);

}  // namespace

int invoke(void* entry, const PreparedCall& call, std::uint64_t arena, int device, void* stream) {
  std::array<Descriptor, kMaxArguments> tensors{};
  std::array<std::array<std::int64_t, 2 * kMaxDimensions>, kMaxArguments> extents{};
  std::array<I, kMaxArguments> i{};
  std::array<D, 8> d{};
  std::size_t integers = 0, doubles = 0;
  const std::size_t count = call.argument_count < kMaxArguments ? call.argument_count : kMaxArguments;
  for (std::size_t a = 0; a < count; ++a) {
    const CallArgument& from = call.arguments[a];
    switch (from.kind) {
      case ArgumentKind::absent_tensor:
        i[integers++] = 0;
        break;
      case ArgumentKind::tensor: {
        Descriptor& t = tensors[a];
        const std::size_t ndim = from.ndim < kMaxDimensions ? from.ndim : kMaxDimensions;
        for (std::size_t k = 0; k < ndim; ++k) {
          extents[a][k] = from.shape[k];
          extents[a][kMaxDimensions + k] = from.strides[k];
        }
        t = {from.data == kNull ? nullptr : reinterpret_cast<void*>(arena + from.data),
             kDLCUDA,
             device,
             static_cast<std::int32_t>(ndim),
             from.dtype_code,
             from.dtype_bits,
             1,
             extents[a].data(),
             extents[a].data() + kMaxDimensions,
             from.byte_offset};
        i[integers++] = reinterpret_cast<I>(&t);
        break;
      }
      case ArgumentKind::int64:
      case ArgumentKind::int32:
        i[integers++] = from.integer;
        break;
      case ArgumentKind::float64:
        if (doubles < d.size()) d[doubles++] = from.real;
        break;
      case ArgumentKind::stream:
        i[integers++] = reinterpret_cast<I>(stream);
        break;
    }
  }
  return reinterpret_cast<Universal>(entry)(i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], i[8], i[9], i[10], i[11],
                                            i[12], i[13], i[14], i[15], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
}

}  // namespace crucible
