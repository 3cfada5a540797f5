#include <cstdlib>
#include <cstring>

#include "env/baseline/intree/kernels.h"
#include "env/baseline/tensor.h"

/// Entry points of the `intree` baseline: each forwards to the variant built for this processor.
namespace {

enum class Variant { generic, avx2, avx512, avx512bf16 };

Variant choose() {
  Variant best = Variant::generic;
#if defined(CRUCIBLE_INTREE_X86)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = Variant::avx2;
  if (best == Variant::avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd"))
    best = Variant::avx512;
  if (best == Variant::avx512 && __builtin_cpu_supports("avx512bf16")) best = Variant::avx512bf16;
  // Only ever downwards: tests run the older variants on a newer processor.
  if (const char* wanted = std::getenv("CRUCIBLE_INTREE_ISA")) {
    Variant limit = best;
    if (std::strcmp(wanted, "generic") == 0) limit = Variant::generic;
    if (std::strcmp(wanted, "avx2") == 0) limit = Variant::avx2;
    if (std::strcmp(wanted, "avx512") == 0) limit = Variant::avx512;
    if (limit < best) best = limit;
  }
#endif
  return best;
}

const Variant kVariant = choose();

}  // namespace

#if defined(CRUCIBLE_INTREE_X86)
#define CRUCIBLE_FORWARD(name, arguments)                    \
  switch (kVariant) {                                        \
    case Variant::avx512bf16:                                \
      return crucible::baseline::avx512bf16::name arguments; \
    case Variant::avx512:                                    \
      return crucible::baseline::avx512::name arguments;     \
    case Variant::avx2:                                      \
      return crucible::baseline::avx2::name arguments;       \
    case Variant::generic:                                   \
      break;                                                 \
  }                                                          \
  return crucible::baseline::generic::name arguments;
#else
#define CRUCIBLE_FORWARD(name, arguments) return crucible::baseline::generic::name arguments;
#endif

#define CRUCIBLE_UNWRAP(...) __VA_ARGS__
#define CRUCIBLE_ENTRY_POINT(name, parameters, arguments) \
  CRUCIBLE_BASELINE_EXPORT int name(CRUCIBLE_UNWRAP parameters, void*) { CRUCIBLE_FORWARD(name, arguments) }

CRUCIBLE_INTREE_KERNELS(CRUCIBLE_ENTRY_POINT)

CRUCIBLE_BASELINE_EXPORT const char* crucible_baseline_name(void) { return "intree"; }

CRUCIBLE_BASELINE_EXPORT const char* crucible_baseline_version(void) {
  switch (kVariant) {
    case Variant::avx512bf16:
      return "1 (avx512bf16)";
    case Variant::avx512:
      return "1 (avx512)";
    case Variant::avx2:
      return "1 (avx2)";
    case Variant::generic:
      break;
  }
  return "1 (generic)";
}
