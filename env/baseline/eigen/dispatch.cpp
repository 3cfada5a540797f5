#include <Eigen/src/Core/util/Macros.h>

#include "env/baseline/eigen/kernels.h"
#include "env/baseline/tensor.h"

/// Entry points of the `eigen` baseline: each forwards to the variant built for this processor.
namespace {

enum class Variant { generic, avx2, avx512 };

Variant choose() {
#if defined(CRUCIBLE_EIGEN_X86)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Variant::generic;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd"))
    return Variant::avx512;
  return Variant::avx2;
#else
  return Variant::generic;
#endif
}

const Variant kVariant = choose();

}  // namespace

#if defined(CRUCIBLE_EIGEN_X86)
#define CRUCIBLE_FORWARD(name, arguments)                                             \
  if (kVariant == Variant::avx512) return crucible::baseline::avx512::name arguments; \
  if (kVariant == Variant::avx2) return crucible::baseline::avx2::name arguments;     \
  return crucible::baseline::generic::name arguments;
#else
#define CRUCIBLE_FORWARD(name, arguments) return crucible::baseline::generic::name arguments;
#endif

#define CRUCIBLE_UNWRAP(...) __VA_ARGS__
#define CRUCIBLE_ENTRY_POINT(name, parameters, arguments) \
  CRUCIBLE_BASELINE_EXPORT int name(CRUCIBLE_UNWRAP parameters, void*) { CRUCIBLE_FORWARD(name, arguments) }

CRUCIBLE_EIGEN_KERNELS(CRUCIBLE_ENTRY_POINT)

#define CRUCIBLE_TEXT_(value) #value
#define CRUCIBLE_TEXT(value) CRUCIBLE_TEXT_(value)

CRUCIBLE_BASELINE_EXPORT const char* crucible_baseline_name(void) { return "eigen"; }

CRUCIBLE_BASELINE_EXPORT const char* crucible_baseline_version(void) {
  return CRUCIBLE_TEXT(EIGEN_WORLD_VERSION) "." CRUCIBLE_TEXT(EIGEN_MAJOR_VERSION) "." CRUCIBLE_TEXT(
      EIGEN_MINOR_VERSION);
}
