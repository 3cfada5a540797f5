#pragma once

#include <cstdint>

namespace crucible {

/// Arguments of any entry point: integers (pointers included) and doubles in their own order of appearance.
struct TrampolineArguments {
  std::int64_t integers[16] = {};
  double reals[8] = {};
};

/// Calls any C entry point whose arguments are pointers, integers and at most eight doubles. On x86-64 (System V) and
/// aarch64 (AAPCS) integers and floating-point arguments take separate registers and integers that do not fit follow on
/// the stack in eight-byte slots, so one signature with both lists full serves every other; surplus values are ignored.
inline int call_entry(void* entry, const TrampolineArguments& a) {
  using I = std::int64_t;
  using Entry = int (*)(I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, double, double, double, double, double, double,
                        double, double);
  const auto* i = a.integers;
  const auto* d = a.reals;
  return reinterpret_cast<Entry>(entry)(i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], i[8], i[9], i[10], i[11], i[12],
                                        i[13], i[14], i[15], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
}

}  // namespace crucible
