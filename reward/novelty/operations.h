#pragma once

#include <cstdint>
#include <string_view>

/// What a call means: the compiler's builtins, the C library's mathematics and a few well-known functions.
namespace crucible::novelty {

struct Meaning {
  enum class Shape : std::uint8_t {
    unknown,    ///< code that we do not see
    nothing,    ///< no effect that matters (free, barriers of the compiler)
    operation,  ///< `name` of the first `operands` arguments
    fused,      ///< ±(a·b) ± c
    copy,       ///< the first argument, differently arranged (a broadcast, a widening of a lane)
    load,       ///< from argument `pointer`
    store,      ///< of argument `value` to argument `pointer`
    move,       ///< memcpy: argument 0 from argument 1
    allocate,   ///< new memory
    parallel,   ///< runs argument 0 (a function) on argument 1
  } shape = Shape::unknown;
  std::string_view name;
  int operands = 1;
  int pointer = 0;
  int value = 1;
  bool negate_product = false, negate_addend = false;
  bool indexed = false;  ///< gathers and scatters
};

Meaning meaning_of(std::string_view callee);

}  // namespace crucible::novelty
