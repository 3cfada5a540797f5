#include <cstring>

#include "env/baseline/onednn/primitive.h"

/// softmax and layer_norm as oneDNN primitives over a matrix of rows.
namespace crucible::baseline::onednn {
namespace {

using dnnl::memory;

memory::desc matrix(memory::data_type type, std::int64_t rows, std::int64_t length, std::int64_t stride) {
  return memory::desc({rows, length}, type, memory::dims{rows == 1 ? length : stride, 1});
}

std::unique_ptr<PreparedPrimitive> make_softmax(const Key& key, memory::data_type type) {
  const memory::desc from = matrix(type, key[1], key[2], key[3]), to = matrix(type, key[1], key[2], key[2]);
  const auto operation = dnnl::softmax_v2_forward::desc(dnnl::prop_kind::forward_inference,
                                                        dnnl::algorithm::softmax_accurate, from, to, 1);
  const dnnl::softmax_v2_forward::primitive_desc description(operation, engine());
  if (is_reference(description.impl_info_str())) return nullptr;
  return std::make_unique<PreparedPrimitive>(dnnl::softmax_v2_forward(description),
                                             std::vector<Operand>{{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
}

std::unique_ptr<PreparedPrimitive> make_layer_norm(const Key& key, memory::data_type type, bool shift, float epsilon) {
  const memory::desc from = matrix(type, key[1], key[2], key[3]);
  const memory::desc vector({key[2]}, memory::data_type::f32, memory::dims{1});
  using dnnl::normalization_flags;
  const auto flags =
      shift ? normalization_flags::use_scale | normalization_flags::use_shift : normalization_flags::use_scale;
  const auto operation =
      dnnl::layer_normalization_forward::desc(dnnl::prop_kind::forward_inference, from, epsilon, flags);
  const dnnl::layer_normalization_forward::primitive_desc description(operation, engine());
  if (is_reference(description.impl_info_str())) return nullptr;
  std::vector<Operand> operands{{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, description.dst_desc()}, {DNNL_ARG_SCALE, vector}};
  if (shift) operands.push_back({DNNL_ARG_SHIFT, vector});
  return std::make_unique<PreparedPrimitive>(dnnl::layer_normalization_forward(description), operands);
}

/// The parameter as the f32 that oneDNN wants: itself, or converted into `scratch`.
const float* as_f32(const DLTensor* parameter, float* scratch) {
  if (is_f32(parameter)) return first<const float>(parameter);
  const auto* bits = first<const std::uint16_t>(parameter);
  for (std::int64_t i = 0; i < parameter->shape[0]; ++i) {
    const std::uint32_t wide = std::uint32_t{bits[i]} << 16;
    std::memcpy(scratch + i, &wide, sizeof wide);
  }
  return scratch;
}

}  // namespace
}  // namespace crucible::baseline::onednn

using namespace crucible::baseline;
using namespace crucible::baseline::onednn;

CRUCIBLE_BASELINE_EXPORT int softmax(DLTensor* out, const DLTensor* input, void*) {
  if (!is_served_type(out)) return kNotServed;
  const Rows<const char> rows(input);
  if (rows.empty()) return 0;
  if (!rows.single_stride()) return kNotServed;
  static PrimitiveCache cache;
  const Key key{is_bf16(out), rows.count, rows.length, rows.inner_stride};
  PreparedPrimitive* primitive = cache.find(key, [&] { return make_softmax(key, data_type(out)); });
  return primitive == nullptr ? kNotServed : primitive->run({first<const char>(input), first<char>(out)});
}

CRUCIBLE_BASELINE_EXPORT int layer_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight,
                                        const DLTensor* bias, double epsilon, void*) {
  if (!is_served_type(out)) return kNotServed;
  const Rows<const char> rows(input);
  if (rows.empty()) return 0;
  if (!rows.single_stride() || (rows.count > 1 && rows.inner_stride != rows.length)) return kNotServed;
  static PrimitiveCache cache;
  Key key{is_bf16(out), rows.count, rows.length, rows.length, bias != nullptr};
  std::memcpy(&key[5], &epsilon, sizeof epsilon);
  PreparedPrimitive* primitive =
      cache.find(key, [&] { return make_layer_norm(key, data_type(out), bias != nullptr, (float)epsilon); });
  if (primitive == nullptr) return kNotServed;
  if (is_bf16(out)) primitive->scratch().resize(2 * (std::size_t)rows.length);
  float* scratch = primitive->scratch().data();
  const float* scale = as_f32(weight, scratch);
  const void *from = first<const char>(input), *to = first<char>(out);
  if (bias == nullptr) return primitive->run({from, to, scale});
  return primitive->run({from, to, scale, as_f32(bias, scratch + rows.length)});
}
