#include "env/baseline/onednn/primitive.h"

/// gemm and gemm_gelu as oneDNN matmul, bias and activation fused. Weights are taken as they come: nothing is packed
/// ahead of the call.
namespace crucible::baseline::onednn {
namespace {

using dnnl::memory;

std::unique_ptr<PreparedPrimitive> make_matmul(const DLTensor* out, const DLTensor* a, const DLTensor* b, bool bias,
                                               bool gelu) {
  const memory::data_type type = data_type(out);
  const std::int64_t m = a->shape[0], k = a->shape[1], n = b->shape[1];
  const memory::desc source({m, k}, type, memory::dims{m == 1 ? k : a->strides[0], 1});
  const memory::desc weights({k, n}, type, memory::dims{b->strides[0], b->strides[1]});
  const memory::desc destination({m, n}, type, memory::dims{n, 1});
  const memory::desc bias_description = bias ? memory::desc({1, n}, type, memory::dims{n, 1}) : memory::desc();

  dnnl::primitive_attr attributes;
  if (gelu) {
    dnnl::post_ops operations;
    operations.append_eltwise(1.0f, dnnl::algorithm::eltwise_gelu_tanh, 0.0f, 0.0f);
    attributes.set_post_ops(operations);
  }
  const auto operation = bias ? dnnl::matmul::desc(source, weights, bias_description, destination)
                              : dnnl::matmul::desc(source, weights, destination);
  const dnnl::matmul::primitive_desc description(operation, attributes, engine());
  if (is_reference(description.impl_info_str())) return nullptr;
  std::vector<Operand> operands{{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, destination}};
  if (bias) operands.push_back({DNNL_ARG_BIAS, bias_description});
  return std::make_unique<PreparedPrimitive>(dnnl::matmul(description), operands);
}

int multiply(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, bool gelu) {
  if (!is_served_type(out)) return kNotServed;
  const std::int64_t m = a->shape[0], k = a->shape[1], n = b->shape[1];
  if (m == 0 || n == 0) return 0;
  if (k == 0) return kNotServed;
  static PrimitiveCache cache;
  const Key key{is_bf16(out), m, n, k, a->strides[0], b->strides[0], b->strides[1], bias != nullptr, gelu};
  PreparedPrimitive* matmul = cache.find(key, [&] { return make_matmul(out, a, b, bias != nullptr, gelu); });
  if (matmul == nullptr) return kNotServed;
  const void *from = first<const char>(a), *weights = first<const char>(b), *to = first<char>(out);
  if (bias == nullptr) return matmul->run({from, weights, to});
  return matmul->run({from, weights, to, first<const char>(bias)});
}

}  // namespace
}  // namespace crucible::baseline::onednn

CRUCIBLE_BASELINE_EXPORT int gemm(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void*) {
  return crucible::baseline::onednn::multiply(out, a, b, bias, false);
}

CRUCIBLE_BASELINE_EXPORT int gemm_gelu(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias,
                                       void*) {
  return crucible::baseline::onednn::multiply(out, a, b, bias, true);
}
