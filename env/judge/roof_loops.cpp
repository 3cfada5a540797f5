#include "env/judge/roof_loops.h"

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace crucible {
namespace {

/// Keeps a value, and everything it depends on, alive.
template <class T>
inline void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

// The same loops for vectors of several widths: a function's target decides what it may be made of, and a template
// cannot carry one.
#define CRUCIBLE_ROOF_LOOPS(NAME, WIDTH, TARGET)                                                 \
  struct NAME {                                                                                  \
    typedef float V __attribute__((vector_size(WIDTH)));                                         \
    typedef float U __attribute__((vector_size(WIDTH), aligned(4)));                             \
    static constexpr std::size_t kLanes = WIDTH / sizeof(float);                                 \
    TARGET static void read(const float* from, std::size_t n) {                                  \
      V a{}, b{}, c{}, d{};                                                                      \
      for (std::size_t i = 0; i + 4 * kLanes <= n; i += 4 * kLanes) {                            \
        a += *reinterpret_cast<const U*>(from + i);                                              \
        b += *reinterpret_cast<const U*>(from + i + kLanes);                                     \
        c += *reinterpret_cast<const U*>(from + i + 2 * kLanes);                                 \
        d += *reinterpret_cast<const U*>(from + i + 3 * kLanes);                                 \
      }                                                                                          \
      a += b + (c + d);                                                                          \
      keep(a);                                                                                   \
    }                                                                                            \
    TARGET static void write(float* to, std::size_t n) {                                         \
      const V one = V{} + 1.0f;                                                                  \
      for (std::size_t i = 0; i + kLanes <= n; i += kLanes) *reinterpret_cast<U*>(to + i) = one; \
      keep(to);                                                                                  \
    }                                                                                            \
    TARGET static void copy(const float* from, float* to, std::size_t n) {                       \
      for (std::size_t i = 0; i + kLanes <= n; i += kLanes)                                      \
        *reinterpret_cast<U*>(to + i) = *reinterpret_cast<const U*>(from + i);                   \
      keep(to);                                                                                  \
    }                                                                                            \
    TARGET static double multiply_add(int rounds) {                                              \
      V s[12]{};                                                                                 \
      V x = V{} + 1.0001f, y = V{} + 1e-6f;                                                      \
      asm volatile("" : "+m"(x), "+m"(y));                                                       \
      const V factor = x, term = y;                                                              \
      V s0{}, s1{}, s2{}, s3{}, s4{}, s5{}, s6{}, s7{}, s8{}, s9{}, s10{}, s11{};                \
      for (int i = 0; i < rounds; ++i) {                                                         \
        s0 = s0 * factor + term;                                                                 \
        s1 = s1 * factor + term;                                                                 \
        s2 = s2 * factor + term;                                                                 \
        s3 = s3 * factor + term;                                                                 \
        s4 = s4 * factor + term;                                                                 \
        s5 = s5 * factor + term;                                                                 \
        s6 = s6 * factor + term;                                                                 \
        s7 = s7 * factor + term;                                                                 \
        s8 = s8 * factor + term;                                                                 \
        s9 = s9 * factor + term;                                                                 \
        s10 = s10 * factor + term;                                                               \
        s11 = s11 * factor + term;                                                               \
      }                                                                                          \
      s[0] = s0 + s1 + s2 + s3, s[1] = s4 + s5 + s6 + s7, s[2] = s8 + s9 + s10 + s11;            \
      keep(s);                                                                                   \
      return 24.0 * static_cast<double>(kLanes) * rounds;                                        \
    }                                                                                            \
  };

CRUCIBLE_ROOF_LOOPS(Narrow, 16, )
#if defined(__x86_64__)
CRUCIBLE_ROOF_LOOPS(Avx2, 32, __attribute__((target("avx2,fma"))))
CRUCIBLE_ROOF_LOOPS(Avx512, 64, __attribute__((target("avx512f"))))

__attribute__((target("avx512f,avx512bf16"))) double bf16_dot(int rounds) {
  alignas(64) std::uint16_t ones[32];
  for (std::uint16_t& one : ones) one = 0x3f80;
  __m512bh x;
  std::memcpy(&x, ones, sizeof x);
  asm volatile("" : "+m"(x));
  const __m512bh factor = x;
  __m512 s0{}, s1{}, s2{}, s3{}, s4{}, s5{}, s6{}, s7{}, s8{}, s9{}, s10{}, s11{};
  for (int i = 0; i < rounds; ++i) {
    s0 = _mm512_dpbf16_ps(s0, factor, factor);
    s1 = _mm512_dpbf16_ps(s1, factor, factor);
    s2 = _mm512_dpbf16_ps(s2, factor, factor);
    s3 = _mm512_dpbf16_ps(s3, factor, factor);
    s4 = _mm512_dpbf16_ps(s4, factor, factor);
    s5 = _mm512_dpbf16_ps(s5, factor, factor);
    s6 = _mm512_dpbf16_ps(s6, factor, factor);
    s7 = _mm512_dpbf16_ps(s7, factor, factor);
    s8 = _mm512_dpbf16_ps(s8, factor, factor);
    s9 = _mm512_dpbf16_ps(s9, factor, factor);
    s10 = _mm512_dpbf16_ps(s10, factor, factor);
    s11 = _mm512_dpbf16_ps(s11, factor, factor);
  }
  const __m512 sums[3] = {s0 + s1 + s2 + s3, s4 + s5 + s6 + s7, s8 + s9 + s10 + s11};
  keep(sums);
  return 12.0 * 64.0 * rounds;  // 32 products and as many sums an instruction
}

/// AMX multiplies bf16 tiles: CPUID leaf 7, EDX bit 22.
bool has_amx_bf16() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d >> 22 & 1u) != 0;
}
#endif

template <class Loops>
RoofLoops loops_of() {
  return {Loops::read, Loops::write, Loops::copy, Loops::multiply_add};
}

}  // namespace

RoofLoops roof_loops() {
#if defined(__x86_64__)
  RoofLoops loops = loops_of<Narrow>();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) loops = loops_of<Avx2>();
  if (__builtin_cpu_supports("avx512f")) loops = loops_of<Avx512>();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bf16")) loops.bf16_dot = bf16_dot;
  loops.bf16_elsewhere = has_amx_bf16();
  if (loops.bf16_elsewhere) loops.bf16_dot = nullptr;
  return loops;
#else
  RoofLoops loops = loops_of<Narrow>();
  loops.bf16_elsewhere = true;
  return loops;
#endif
}

}  // namespace crucible
