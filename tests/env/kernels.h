#pragma once

#include <string>

/// Small rms_norm candidates that differ in one thing each.
namespace crucible::test {

inline const std::string kRmsHead = R"(
#include <crucible/kernel.h>
#include <cmath>
#include <cstdint>
#include <cstring>
static float load(const DLTensor* t, int64_t i) {
  const char* p = static_cast<const char*>(t->data) + t->byte_offset;
  if (t->dtype.bits == 32) { float v; std::memcpy(&v, p + 4 * i, 4); return v; }
  uint16_t h; std::memcpy(&h, p + 2 * i, 2);
  uint32_t w = uint32_t(h) << 16; float v; std::memcpy(&v, &w, 4); return v;
}
static void store(DLTensor* t, int64_t i, float v) {
  char* p = static_cast<char*>(t->data) + t->byte_offset;
  if (t->dtype.bits == 32) { std::memcpy(p + 4 * i, &v, 4); return; }
  uint32_t w; std::memcpy(&w, &v, 4);
  uint16_t h = (w & 0x7fffffffu) > 0x7f800000u ? uint16_t((w >> 16) | 0x40) : uint16_t((w + 0x7fffu + ((w >> 16) & 1)) >> 16);
  std::memcpy(p + 2 * i, &h, 2);
}
static int norm(DLTensor* out, const DLTensor* x, const DLTensor* w, double eps) {
  const int nd = x->ndim; const int64_t D = x->shape[nd - 1];
  int64_t rows = 1; for (int i = 0; i + 1 < nd; ++i) rows *= x->shape[i];
  if (D == 0 || rows == 0) return 0;
  for (int64_t r = 0; r < rows; ++r) {
    int64_t xo = 0, oo = 0, rest = r;
    for (int i = nd - 2; i >= 0; --i) { int64_t k = rest % x->shape[i]; rest /= x->shape[i]; xo += k * x->strides[i]; oo += k * out->strides[i]; }
    double s = 0; for (int64_t i = 0; i < D; ++i) { double v = load(x, xo + i); s += v * v; }
    const double inv = 1.0 / std::sqrt(s / double(D) + eps);
    for (int64_t i = 0; i < D; ++i) store(out, oo + i, float(load(x, xo + i) * inv * load(w, i)));
  }
  return 0;
}
)";

/// The entry point around `body`.
inline std::string rms_norm(const std::string& body, const std::string& before = "") {
  return kRmsHead + before +
         "\nextern \"C\" int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, "
         "void* stream) {\n  (void)stream;\n" +
         body + "\n}\n";
}

inline std::string honest() { return rms_norm("return norm(out, input, weight, epsilon);"); }

}  // namespace crucible::test
