#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <type_traits>

#include "env/judge/checker.h"
#include "env/judge/element_error.h"
#include "env/task/rows.h"
#include "env/task/vectorize.h"

namespace crucible {
namespace {

/// Maps the bits of a floating-point number to an integer in the order of the numbers; its own inverse. Above +Inf lie
/// the positive NaNs and, going round, the negative ones.
template <class Word>
constexpr Word ordered(Word bits) {
  using Signed = std::make_signed_t<Word>;
  constexpr int kSign = 8 * sizeof(Word) - 1;
  return static_cast<Word>(
      bits ^ (static_cast<Word>(static_cast<Signed>(bits) >> kSign) & (static_cast<Word>(~Word{0}) >> 1)));
}

template <class Word>
Word load(const std::byte* element) {
  Word bits;
  std::memcpy(&bits, element, sizeof bits);
  return bits;
}

template <class Word>
bool inside(Word bits, Word low, Word span, bool exact) {
  return static_cast<Word>((exact ? bits : ordered(bits)) - low) <= span;
}

template <class Word>
[[gnu::always_inline]] inline bool all_inside(const std::byte* elements, const Word* low, const Word* span,
                                              std::size_t count, Word flip) {
  Word outside = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Word bits;
    __builtin_memcpy(&bits, elements + i * sizeof(Word), sizeof bits);
    outside |= static_cast<Word>(static_cast<Word>(ordered(static_cast<Word>(bits ^ flip)) - low[i]) > span[i]);
  }
  return outside == 0;
}

CRUCIBLE_VECTORIZE bool all_inside_8(const std::byte* e, const std::uint8_t* low, const std::uint8_t* span,
                                     std::size_t n, std::uint8_t flip) {
  return all_inside(e, low, span, n, flip);
}
CRUCIBLE_VECTORIZE bool all_inside_16(const std::byte* e, const std::uint16_t* low, const std::uint16_t* span,
                                      std::size_t n, std::uint16_t flip) {
  return all_inside(e, low, span, n, flip);
}
CRUCIBLE_VECTORIZE bool all_inside_32(const std::byte* e, const std::uint32_t* low, const std::uint32_t* span,
                                      std::size_t n, std::uint32_t flip) {
  return all_inside(e, low, span, n, flip);
}

template <class Word>
[[gnu::always_inline]] inline void middles(const Word* low, const Word* span, std::size_t count, std::byte* to) {
  for (std::size_t i = 0; i < count; ++i) {
    const Word bits = ordered(static_cast<Word>(low[i] + span[i] / 2));
    __builtin_memcpy(to + i * sizeof(Word), &bits, sizeof bits);
  }
}

CRUCIBLE_VECTORIZE void middles_16(const std::uint16_t* low, const std::uint16_t* span, std::size_t n, std::byte* to) {
  middles(low, span, n, to);
}
CRUCIBLE_VECTORIZE void middles_32(const std::uint32_t* low, const std::uint32_t* span, std::size_t n, std::byte* to) {
  middles(low, span, n, to);
}

template <class Word>
bool row_inside(const std::byte* elements, const Word* low, const Word* span, std::size_t count, bool exact,
                Word flip = 0) {
  if (exact) return std::memcmp(elements, low, count * sizeof(Word)) == 0;
  if constexpr (sizeof(Word) == 1) return all_inside_8(elements, low, span, count, flip);
  if constexpr (sizeof(Word) == 2) return all_inside_16(elements, low, span, count, flip);
  if constexpr (sizeof(Word) == 4) return all_inside_32(elements, low, span, count, flip);
  return false;
}

/// The bits nearest to `value`, or their neighbour: 16-bit types round twice here, and the caller corrects that.
std::uint32_t nearby_bits(DType dtype, double value) {
  if (dtype == DType::bf16) return float_to_bf16(static_cast<float>(value));
  if (dtype == DType::f16) return float_to_f16(static_cast<float>(value));
  if (dtype == DType::f32) return std::bit_cast<std::uint32_t>(static_cast<float>(value));
  return encode(dtype, value);
}

/// Widens or narrows [lower, upper] until exactly the keys that `accepted` takes are inside; `middle` is taken.
template <class Word, class Accepted>
void settle(Word middle, Word& lower, Word& upper, const Accepted& accepted) {
  while (lower != middle && !accepted(lower)) ++lower;
  while (accepted(static_cast<Word>(lower - 1))) --lower;
  while (upper != middle && !accepted(upper)) --upper;
  while (accepted(static_cast<Word>(upper + 1))) ++upper;
}

/// The number that an ordered key stands for, in the types that pools are full of.
double value_of(DType dtype, std::uint32_t bits) {
  if (dtype == DType::f32) return std::bit_cast<float>(bits);
  if (dtype == DType::bf16) return bf16_to_float(static_cast<std::uint16_t>(bits));
  return decode(dtype, bits);
}

/// The same interval straight from its ends, reference ± width; false where rounding makes the ends doubtful, or zero
/// with its two signs is near.
template <class Word>
bool quick_interval(DType dtype, double reference, double width, Word& low, Word& span) {
  const double begin = reference - width, end = reference + width, doubt = 1e-12 * width;
  const std::uint32_t begin_bits = nearby_bits(dtype, begin), end_bits = nearby_bits(dtype, end);
  const double first = value_of(dtype, begin_bits), last = value_of(dtype, end_bits);
  if (first == 0 || last == 0 || std::fabs(first - begin) < doubt || std::fabs(last - end) < doubt) return false;
  // nearby_bits() is one of the two neighbours of its argument.
  low = static_cast<Word>(ordered(static_cast<Word>(begin_bits)) + (first < begin ? 1 : 0));
  span = static_cast<Word>(ordered(static_cast<Word>(end_bits)) - (last > end ? 1 : 0) - low);
  return true;
}

/// The keys [low, low + span] whose η is at most `max_eta`.
template <class Word>
void interval(const ElementError& error, DType dtype, std::size_t index, double max_eta, Word& low, Word& span) {
  const double reference = error.reference(index);
  const auto key_near = [&](double value) { return ordered(static_cast<Word>(nearby_bits(dtype, value))); };
  if (std::isnan(reference)) {
    const Word largest = key_near(std::numeric_limits<double>::infinity());  // saturated in f8e4m3
    low = static_cast<Word>(largest + 1);
    // As many negative NaNs as positive ones, and they follow one another in the circle of keys.
    span = static_cast<Word>(2 * static_cast<Word>((static_cast<Word>(~Word{0}) >> 1) - largest) - 1);
    return;
  }
  const bool free = std::isfinite(reference) && !error.pinned(index);
  const double unit = free ? error.unit(index) : 0, flushed = free ? error.flushed(index) : 0;
  const double width = max_eta * unit + flushed;
  const bool far_from_overflow = std::fabs(reference) + 2 * width < float_format(dtype).max_finite / 2;
  if (free && far_from_overflow && quick_interval(dtype, reference, width, low, span)) return;
  const Word middle = key_near(reference);
  Word lower = middle, upper = middle;
  if (free) {
    lower = key_near(reference - width);
    upper = key_near(reference + width);
  }
  settle(middle, lower, upper, [&](Word key) { return error.eta(index, decode(dtype, ordered(key))) <= max_eta; });
  low = lower;
  span = static_cast<Word>(upper - lower);
}

}  // namespace

AcceptedOutput::AcceptedOutput(const ExpectedOutput& expected, const TensorLayout& tensor, const Tolerance& tolerance)
    : dtype_(tensor.dtype),
      exact_(expected.exact),
      unknown_(expected.custom && expected.bytes.empty() && expected.value.empty()),
      alternatives_(expected.alternatives) {
  if (unknown_) return;
  if (!(tolerance.max_eta >= 1)) throw std::invalid_argument("a tolerance below one unit refuses correct rounding");
  const auto count = static_cast<std::size_t>(tensor.element_count());
  switch (size_of(dtype_)) {
    case 1:
      bounds_ = Bounds<std::uint8_t>{};
      break;
    case 2:
      bounds_ = Bounds<std::uint16_t>{};
      break;
    case 4:
      bounds_ = Bounds<std::uint32_t>{};
      break;
    default:
      bounds_ = Bounds<std::uint64_t>{};
  }
  std::visit(
      [&]<class Word>(Bounds<Word>& bounds) {
        bounds.low.resize(count);
        if (exact_) {
          if (count > 0) std::memcpy(bounds.low.data(), expected.bytes.data(), count * sizeof(Word));
          return;
        }
        if constexpr (sizeof(Word) < 8) {
          bounds.span.resize(count);
          const ElementError error(expected, dtype_);
          for (std::size_t i = 0; i < count; ++i)
            interval(error, dtype_, i, tolerance.max_eta, bounds.low[i], bounds.span[i]);
        }
      },
      bounds_);
}

std::optional<std::size_t> AcceptedOutput::first_rejected(const TensorLayout& tensor, const std::byte* storage) const {
  std::optional<std::size_t> rejected;
  if (unknown_) return rejected;
  std::visit(
      [&]<class Word>(const Bounds<Word>& bounds) {
        for_each_row(tensor, [&](const TensorRow& row) {
          if (rejected) return;
          const std::byte* elements = storage + row.byte_offset;
          const bool adjacent = row.byte_stride == static_cast<std::ptrdiff_t>(sizeof(Word));
          const Word* span = exact_ ? nullptr : bounds.span.data() + row.index;
          if (adjacent && row_inside(elements, bounds.low.data() + row.index, span, row.length, exact_)) return;
          for (std::size_t i = 0; i < row.length && !rejected; ++i, elements += row.byte_stride)
            if (!accepts(row.index + i, elements)) rejected = row.index + i;
        });
      },
      bounds_);
  return rejected;
}

bool AcceptedOutput::accepts_run(std::size_t index, const std::byte* elements, std::size_t count, bool negated) const {
  if (unknown_) return true;
  return std::visit(
      [&]<class Word>(const Bounds<Word>& bounds) {
        if (negated && exact_) return false;
        const Word flip = negated ? static_cast<Word>(Word{1} << (8 * sizeof(Word) - 1)) : Word{0};
        return row_inside(elements, bounds.low.data() + index, exact_ ? nullptr : bounds.span.data() + index, count,
                          exact_, flip);
      },
      bounds_);
}

bool AcceptedOutput::write_right(std::size_t index, std::size_t count, std::byte* to) const {
  if (unknown_) return false;
  std::visit(
      [&]<class Word>(const Bounds<Word>& bounds) {
        const Word* low = bounds.low.data() + index;
        if (exact_) {
          std::memcpy(to, low, count * sizeof(Word));
        } else if constexpr (sizeof(Word) == 2) {
          middles_16(low, bounds.span.data() + index, count, to);
        } else if constexpr (sizeof(Word) == 4) {
          middles_32(low, bounds.span.data() + index, count, to);
        } else if constexpr (sizeof(Word) == 1) {
          middles(low, bounds.span.data() + index, count, to);
        }
      },
      bounds_);
  return true;
}

bool AcceptedOutput::accepts(std::size_t index, const std::byte* element) const {
  if (unknown_) return true;
  const bool in = std::visit(
      [&]<class Word>(const Bounds<Word>& bounds) {
        return inside(load<Word>(element), bounds.low[index], exact_ ? Word{0} : bounds.span[index], exact_);
      },
      bounds_);
  if (in || alternatives_.empty()) return in;
  auto place = std::lower_bound(alternatives_.begin(), alternatives_.end(), index,
                                [](const auto& alternative, std::size_t at) { return alternative.index < at; });
  for (; place != alternatives_.end() && place->index == index; ++place)
    if (place->value == load_integer(dtype_, element)) return true;
  return false;
}

}  // namespace crucible
