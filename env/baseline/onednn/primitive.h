#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>
#include <vector>

#include "env/baseline/tensor.h"

namespace crucible::baseline::onednn {

/// What makes two calls the same primitive: dtype, shape and strides, never an address.
using Key = std::array<std::int64_t, 12>;

/// One operand of a primitive: which argument it is (DNNL_ARG_…) and its description.
struct Operand {
  int argument;
  dnnl::memory::desc description;
};

/// A created primitive with its memory objects. Executing it only sets addresses. One thread at a time.
class PreparedPrimitive {
 public:
  /// Throws dnnl::error.
  PreparedPrimitive(const dnnl::primitive& primitive, const std::vector<Operand>& operands);

  /// Runs on `addresses`, parallel to the operands. 0, or the library's status.
  int run(std::initializer_list<const void*> addresses);

  std::vector<float>& scratch() { return scratch_; }  ///< contents never outlive a call

 private:
  dnnl::primitive primitive_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> arguments_;
  std::vector<float> scratch_;
};

const dnnl::engine& engine();

/// Whether oneDNN would serve this with its portable reference code, which nobody runs in production.
bool is_reference(const char* implementation);

/// Primitives by key; null remembers that oneDNN has none.
class PrimitiveCache {
 public:
  /// The primitive for `key`, made by `make` (which may throw dnnl::error or return null) when it is new.
  template <class Make>
  PreparedPrimitive* find(const Key& key, Make make) {
    if (last_ != nullptr && last_->first == key) return last_->second.get();
    auto found = primitives_.find(key);
    if (found == primitives_.end()) {
      std::unique_ptr<PreparedPrimitive> made;
      try {
        made = make();
      } catch (const dnnl::error&) {
      }
      found = primitives_.emplace(key, std::move(made)).first;
    }
    last_ = &*found;
    return found->second.get();
  }

 private:
  using Map = std::map<Key, std::unique_ptr<PreparedPrimitive>>;
  Map primitives_;
  Map::value_type* last_ = nullptr;
};

inline dnnl::memory::data_type data_type(const DLTensor* tensor) {
  return is_bf16(tensor) ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}
inline bool is_served_type(const DLTensor* tensor) { return is_f32(tensor) || is_bf16(tensor); }

}  // namespace crucible::baseline::onednn
