#include "env/task/call.h"

#include <array>
#include <stdexcept>

namespace crucible {
namespace {

struct DTypeFacts {
  DType dtype;
  std::string_view name;
  std::size_t size;
};

constexpr std::array<DTypeFacts, 6> kDTypes{{{DType::f32, "f32", 4},
                                             {DType::f16, "f16", 2},
                                             {DType::bf16, "bf16", 2},
                                             {DType::f8e4m3, "f8e4m3", 1},
                                             {DType::i32, "i32", 4},
                                             {DType::i64, "i64", 8}}};

const DTypeFacts& facts(DType dtype) { return kDTypes.at(static_cast<std::size_t>(dtype)); }

}  // namespace

std::size_t size_of(DType dtype) { return facts(dtype).size; }

std::string_view to_string(DType dtype) { return facts(dtype).name; }

DType dtype_from_string(std::string_view name) {
  std::string known;
  for (const DTypeFacts& entry : kDTypes) {
    if (entry.name == name) return entry.dtype;
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw std::invalid_argument("unknown dtype '" + std::string(name) + "'; known: " + known);
}

std::int64_t TensorLayout::element_count() const {
  std::int64_t count = 1;
  for (std::int64_t extent : shape) count *= extent;
  return count;
}

std::size_t CallLayout::index_of(std::string_view name) const {
  for (std::size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].name == name) return i;
  throw std::out_of_range("no argument is called '" + std::string(name) + "'");
}

CallView view_of(const CallLayout& layout, const CallContents& contents) {
  CallView view;
  view.layout = &layout;
  view.base.reserve(contents.storages.size());
  for (const auto& storage : contents.storages) view.base.push_back(storage.data());
  return view;
}

}  // namespace crucible
