#include "reward/novelty/operations.h"

#include <algorithm>
#include <utility>

namespace crucible::novelty {
namespace {

using Shape = Meaning::Shape;

Meaning make(std::string_view name, int operands) {
  Meaning m;
  m.shape = Shape::operation;
  m.name = name;
  m.operands = operands;
  return m;
}

Meaning of_shape(Shape shape) {
  Meaning m;
  m.shape = shape;
  return m;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// `__builtin_ia32_…`, prefix removed. Masked forms take their operands first, then what stays, then the mask.
Meaning x86(std::string_view name) {
  if (contains(name, "gather")) {
    Meaning m = of_shape(Shape::load);
    m.pointer = 1;
    m.indexed = true;
    return m;
  }
  if (contains(name, "scatter")) {
    Meaning m = of_shape(Shape::store);
    m.value = 3;
    m.indexed = true;
    return m;
  }
  if (contains(name, "maskload") || name.starts_with("load") || name.starts_with("expandload") ||
      name.starts_with("lddqu") || name.starts_with("movntdqa"))
    return of_shape(Shape::load);
  if (contains(name, "maskstore")) {
    Meaning m = of_shape(Shape::store);
    m.value = 2;
    return m;
  }
  if (name.starts_with("store") || name.starts_with("movnt") || name.starts_with("compressstore"))
    return of_shape(Shape::store);
  if (contains(name, "prefetch") || contains(name, "fence") || contains(name, "pause") || contains(name, "vzero"))
    return of_shape(Shape::nothing);
  if (name.starts_with("vfm") || name.starts_with("vfnm")) {
    Meaning m = of_shape(Shape::fused);
    m.operands = 3;
    m.negate_product = name.starts_with("vfn");
    m.negate_addend = contains(name.substr(0, 8), "msub");
    return m;
  }
  static constexpr std::pair<std::string_view, std::pair<std::string_view, int>> kByPrefix[] = {
      {"addsub", {"addsub", 2}},   {"add", {"add", 2}},       {"padd", {"add", 2}},       {"sub", {"sub", 2}},
      {"psub", {"sub", 2}},        {"mul", {"mul", 2}},       {"pmadd", {"dot", 2}},      {"pmul", {"mul", 2}},
      {"div", {"div", 2}},         {"max", {"max", 2}},       {"pmax", {"max", 2}},       {"min", {"min", 2}},
      {"pmin", {"min", 2}},        {"sqrt", {"sqrt", 1}},     {"rsqrt", {"rsqrt", 1}},    {"rcp", {"rcp", 1}},
      {"andn", {"andnot", 2}},     {"pandn", {"andnot", 2}},  {"and", {"and", 2}},        {"pand", {"and", 2}},
      {"or", {"or", 2}},           {"por", {"or", 2}},        {"xor", {"xor", 2}},        {"pxor", {"xor", 2}},
      {"psll", {"shl", 2}},        {"psrl", {"shr", 2}},      {"psra", {"shr", 2}},       {"cmp", {"cmp", 2}},
      {"ucmp", {"cmp", 2}},        {"pcmp", {"cmp", 2}},      {"ptestm", {"cmp", 2}},     {"blend", {"select", 3}},
      {"pblend", {"select", 3}},   {"hadd", {"hadd", 2}},     {"phadd", {"hadd", 2}},     {"vpdp", {"dot", 3}},
      {"vdpbf", {"dot", 3}},       {"dpbf16", {"dot", 3}},    {"dpps", {"dot", 2}},       {"dp", {"dot", 2}},
      {"rnd", {"round", 1}},       {"round", {"round", 1}},   {"scalef", {"scalef", 2}},  {"getexp", {"getexp", 1}},
      {"getmant", {"getmant", 1}}, {"perm", {"permute", 2}},  {"vperm", {"permute", 2}},  {"pshuf", {"permute", 2}},
      {"shuf", {"permute", 2}},    {"unpck", {"permute", 2}}, {"punpck", {"permute", 2}}, {"palignr", {"permute", 2}},
      {"pack", {"narrow", 2}},     {"movmsk", {"movmsk", 1}}, {"pmovmsk", {"movmsk", 1}}, {"pabs", {"abs", 1}},
      {"tdp", {"tile.dot", 3}},    {"tile", {"tile", 1}}};
  for (const auto& [prefix, meaning] : kByPrefix)
    if (name.starts_with(prefix)) return make(meaning.first, meaning.second);
  if (contains(name, "cvt")) return make("convert", 1);
  if (contains(name, "broadcast") || contains(name, "extract") || contains(name, "insert") ||
      contains(name, "pmovzx") || contains(name, "pmovsx") || contains(name, "ps256_ps") || contains(name, "ps512_") ||
      contains(name, "mova") || contains(name, "movdq") || contains(name, "movs"))
    return of_shape(Shape::copy);
  return make("vector.other", 2);
}

}  // namespace

Meaning meaning_of(std::string_view callee) {
  std::string_view name = callee;
  if (name.starts_with("__builtin_ia32_")) return x86(name.substr(15));
  if (name.starts_with("__builtin_")) name.remove_prefix(10);
  while (name.starts_with(".")) name.remove_prefix(1);
  if (name.starts_with("std::")) name.remove_prefix(5);
  if (name == "FMA" || name == "fma" || name == "fmaf" || name == "FMS" || name == "FNMA" || name == "FNMS") {
    Meaning m = of_shape(Shape::fused);
    m.operands = 3;
    m.negate_product = name == "FNMA" || name == "FNMS";
    m.negate_addend = name == "FMS" || name == "FNMS";
    return m;
  }
  if (name.starts_with("MASK_STORE") || name.starts_with("LEN_STORE")) {
    Meaning m = of_shape(Shape::store);
    m.value = 3;
    return m;
  }
  if (name.starts_with("MASK_LOAD") || name.starts_with("LEN_LOAD")) return of_shape(Shape::load);
  if (name == "memcpy" || name == "memmove" || name == "mempcpy") return of_shape(Shape::move);
  if (name == "memset") return of_shape(Shape::store);
  if (name.starts_with("atomic_load")) return of_shape(Shape::load);
  if (name.starts_with("atomic_") || name.starts_with("sync_")) {
    Meaning m = of_shape(Shape::store);
    m.name = "atomic";
    return m;
  }
  if (name == "malloc" || name == "calloc" || name == "aligned_alloc" || name == "posix_memalign" ||
      name == "operator new" || name == "operator new []" || name == "alloca" || name == "alloca_with_align" ||
      name == "_mm_malloc")
    return of_shape(Shape::allocate);
  if (name.starts_with("GOMP_parallel") || name.starts_with("GOMP_task")) return of_shape(Shape::parallel);
  if (name.starts_with("GOMP_") || name.starts_with("omp_")) return make("openmp", 0);
  static constexpr std::string_view kIgnored[] = {"free",
                                                  "operator delete",
                                                  "operator delete []",
                                                  "unreachable",
                                                  "prefetch",
                                                  "object_size",
                                                  "expect",
                                                  "trap",
                                                  "stack_save",
                                                  "stack_restore",
                                                  "__cxa_guard_acquire",
                                                  "__cxa_guard_release",
                                                  "assume",
                                                  "cpu_init",
                                                  "DEFERRED_INIT"};
  if (name == "expect" || name == "assume_aligned" || name == "launder") return of_shape(Shape::copy);
  if (std::find(std::begin(kIgnored), std::end(kIgnored), name) != std::end(kIgnored)) return of_shape(Shape::nothing);

  std::string_view stem = name;
  if (stem.starts_with("_ZGV")) {  // vector forms of the C library: _ZGVbN4v_expf
    const std::size_t at = stem.find('_', 4);
    if (at != std::string_view::npos) stem.remove_prefix(at + 1);
  }
  if (stem.starts_with("__")) stem.remove_prefix(2);
  if (stem.ends_with("_finite")) stem.remove_suffix(7);
  static constexpr std::pair<std::string_view, std::string_view> kMath[] = {
      {"exp", "exp"},           {"exp2", "exp"},          {"expm1", "exp"},
      {"EXP", "exp"},           {"EXP2", "exp"},          {"log", "log"},
      {"log2", "log"},          {"log1p", "log"},         {"sqrt", "sqrt"},
      {"SQRT", "sqrt"},         {"rsqrt", "rsqrt"},       {"RSQRT", "rsqrt"},
      {"tanh", "tanh"},         {"erf", "erf"},           {"sin", "sin"},
      {"cos", "cos"},           {"fabs", "abs"},          {"abs", "abs"},
      {"fmax", "max"},          {"FMAX", "max"},          {"fmin", "min"},
      {"FMIN", "min"},          {"rint", "round"},        {"nearbyint", "round"},
      {"round", "round"},       {"floor", "round"},       {"ceil", "round"},
      {"trunc", "round"},       {"FLOOR", "round"},       {"CEIL", "round"},
      {"TRUNC", "round"},       {"RINT", "round"},        {"ldexp", "scalef"},
      {"scalbn", "scalef"},     {"frexp", "getexp"},      {"pow", "pow"},
      {"copysign", "copysign"}, {"COPYSIGN", "copysign"}, {"clz", "clz"},
      {"ctz", "ctz"},           {"popcount", "popcount"}, {"isnan", "cmp"},
      {"isinf", "cmp"},         {"signbit", "cmp"},       {"convertvector", "convert"},
      {"bswap16", "permute"},   {"bswap32", "permute"},   {"bswap64", "permute"},
      {"LROUND", "round"},      {"lrint", "round"},       {"IRINT", "round"}};
  for (const auto& [text, meaning] : kMath) {
    if (stem == text ||
        (stem.size() == text.size() + 1 && stem.starts_with(text) && (stem.back() == 'f' || stem.back() == 'l')) ||
        (stem.size() == text.size() + 2 && stem.starts_with(text) && stem.ends_with("ll")))
      return make(meaning, meaning == "max" || meaning == "min" || meaning == "pow" || meaning == "scalef" ? 2 : 1);
  }
  return {};
}

}  // namespace crucible::novelty
