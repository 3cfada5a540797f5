#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crucible {

/// Element types of the contract.
enum class DType : std::uint8_t { f32, f16, bf16, f8e4m3, i32, i64 };

std::size_t size_of(DType dtype);                ///< bytes of one element
std::string_view to_string(DType dtype);         ///< "f32", "bf16", …
DType dtype_from_string(std::string_view name);  ///< throws std::invalid_argument with the accepted names

/// What a call may do with a tensor.
enum class Access : std::uint8_t { input, output, inout };

/// One allocation of a call. Several tensors may share one: slices of a fused projection, interleaved caches.
struct StorageLayout {
  std::size_t bytes = 0;       ///< size; the arena adds red zones on both sides
  std::size_t alignment = 64;  ///< of the first byte, a power of two
};

/// One tensor argument of a call, placed in a storage.
struct TensorLayout {
  DType dtype = DType::f32;
  Access access = Access::input;
  std::size_t storage = 0;            ///< index into CallLayout::storages
  std::size_t byte_offset = 0;        ///< of the first element within the storage
  std::vector<std::int64_t> shape;    ///< elements
  std::vector<std::int64_t> strides;  ///< elements
  std::int64_t element_count() const;
};

/// One argument in the order of the entry point (the stream excluded).
struct Argument {
  enum class Kind : std::uint8_t { absent_tensor, tensor, int64, int32, float64 };
  std::string name;
  Kind kind = Kind::tensor;
  TensorLayout tensor;       ///< kind == tensor
  std::int64_t integer = 0;  ///< kind == int64 or int32
  double real = 0;           ///< kind == float64
};

/// Shapes, strides, scalars and placement of one call: everything but the contents.
struct CallLayout {
  std::vector<StorageLayout> storages;
  std::vector<Argument> arguments;

  /// Index of the argument called `name`; throws std::out_of_range.
  std::size_t index_of(std::string_view name) const;
};

/// Contents of one call's storages, parallel to CallLayout::storages, before the call. Bytes of output tensors, and
/// bytes that belong to no tensor, have no meaning (the judge writes poison there). Storage 0-bytes are legal.
struct CallContents {
  std::vector<std::vector<std::byte>> storages;
};

/// Read-only view of a call in memory: `base[i]` is the first byte of storage i.
struct CallView {
  const CallLayout* layout = nullptr;
  std::vector<const std::byte*> base;
};

/// A view of contents held by a CallContents, which must outlive it.
CallView view_of(const CallLayout& layout, const CallContents& contents);

}  // namespace crucible
