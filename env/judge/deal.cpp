#include "env/judge/deal.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "env/judge/symmetry.h"
#include "env/task/bytes.h"
#include "env/task/vectorize.h"

namespace crucible {
namespace {

constexpr std::size_t kRedZoneFill = 0xA5;
constexpr std::uint32_t kSwaps = 4;
constexpr std::size_t kColumnsToSwap = 8 * kSwaps;

std::uint64_t poison_word(const Hand& hand, DType dtype) {
  const std::uint64_t random = hand.noise * 0x9E3779B97F4A7C15ull;
  switch (dtype) {
    case DType::f32: {
      const std::uint64_t word = 0x7FC00000ull | (random & 0x003FFFFFull) | ((random >> 8) & 0x80000000ull);
      return word | (word << 32);
    }
    case DType::bf16: {
      const std::uint64_t half = 0x7FC0ull | (random & 0x3Full) | ((random >> 8) & 0x8000ull);
      return half * 0x0001000100010001ull;
    }
    case DType::f16: {
      const std::uint64_t half = 0x7E00ull | (random & 0x1FFull) | ((random >> 8) & 0x8000ull);
      return half * 0x0001000100010001ull;
    }
    case DType::f8e4m3:
      return 0x7F7F7F7F7F7F7F7Full;
    case DType::i32:
    case DType::i64: {
      const std::uint64_t word = 0x80000000ull | (random & 0x7FFFFFFFull);
      return word | (word << 32);
    }
  }
  return random;
}

CRUCIBLE_VECTORIZE void fill_words(std::byte* at, std::size_t bytes, std::uint64_t word) {
  std::size_t i = 0;
  for (; i + 8 <= bytes; i += 8) __builtin_memcpy(at + i, &word, 8);
  if (i < bytes) __builtin_memcpy(at + i, &word, bytes - i);
}

void fill_noise(std::byte* at, std::size_t bytes, Choice& choice) {
  std::size_t i = 0;
  for (; i < bytes; i += 8) {
    const std::uint64_t word = choice.next();
    std::memcpy(at + i, &word, std::min<std::size_t>(8, bytes - i));
  }
}

/// Writes poison over one output tensor.
void poison_output(const PoolCase& pool_case, const Hand& hand, std::size_t output, std::byte* storage) {
  const TensorLayout& tensor = pool_case.layout.arguments[output].tensor;
  const std::size_t element = size_of(tensor.dtype);
  Choice choice(hand.noise ^ (output * 0x51ED27ull));
  const std::uint64_t word = poison_word(hand, tensor.dtype);
  const ExpectedOutput* stale = nullptr;
  const AcceptedOutput* stale_bits = nullptr;  // the same at memory speed
  if (hand.poison == Poison::stale) {
    const PoolEntry& other = pool_case.entries[hand.stale_entry];
    for (std::size_t i = 0; i < other.expected.size(); ++i) {
      if (other.expected[i].argument != output) continue;
      stale = &other.expected[i];
      if (i < other.accepted.size()) stale_bits = &other.accepted[i];
    }
  }
  std::size_t dense = 0;
  for_each_run(tensor, [&](std::size_t offset, std::size_t bytes) {
    std::byte* at = storage + offset;
    if (stale_bits != nullptr && stale_bits->write_right(dense, bytes / element, at)) {
    } else if (stale != nullptr && !stale->value.empty()) {
      encode_values(stale->value.data() + dense, bytes / element, tensor.dtype, at);
    } else if (stale != nullptr && !stale->bytes.empty()) {
      std::memcpy(at, stale->bytes.data() + dense * element, bytes);
    } else if (hand.poison == Poison::noise) {
      fill_noise(at, bytes, choice);
    } else {
      fill_words(at, bytes, word);
    }
    dense += bytes / element;
  });
}

void fill_red_zones(const PoolCase& pool_case, const Slot& slot, std::uint64_t noise, std::byte* arena) {
  const std::uint64_t word = (kRedZoneFill * 0x0101010101010101ull) ^ (noise | 0x0101010101010101ull);
  std::size_t at = slot.begin;
  for (std::size_t s = 0; s < slot.storages.size(); ++s) {
    fill_words(arena + at, slot.storages[s] - at, word);
    at = slot.storages[s] + pool_case.layout.storages[s].bytes;
  }
  fill_words(arena + at, slot.end - at, word);
}

/// Whether one tensor covers all of a storage and is written anyway: poisoned, or permuted. Dealing is memory traffic,
/// and a chain deals a hundred sets.
bool overwritten(const PoolCase& pool_case, const Hand& hand, std::size_t storage) {
  for (std::size_t a = 0; a < pool_case.layout.arguments.size(); ++a) {
    const Argument& argument = pool_case.layout.arguments[a];
    if (argument.kind != Argument::Kind::tensor || argument.tensor.storage != storage) continue;
    const std::size_t bytes =
        static_cast<std::size_t>(argument.tensor.element_count()) * size_of(argument.tensor.dtype);
    if (bytes != pool_case.layout.storages[storage].bytes) return false;
    return argument.tensor.access == Access::output ||
           (!pool_case.parts[a].segments.empty() && (!hand.rows.empty() || hand.negate));
  }
  return false;
}

/// What deal() writes into [slot.begin, slot.end), in a buffer of its own.
std::vector<std::byte> dealt_bytes(const PoolCase& pool_case, const Hand& hand, const Slot& slot) {
  Slot moved = slot;
  for (std::size_t& at : moved.storages) at -= slot.begin;
  moved.begin = 0;
  moved.end = slot.end - slot.begin;
  std::vector<std::byte> bytes(moved.end);
  deal(pool_case, hand, moved, bytes.data());
  return bytes;
}

}  // namespace

Hand draw_hand(const PoolCase& pool_case, Symmetry symmetry, std::size_t entry, Choice& choice) {
  Hand hand;
  hand.entry = entry % pool_case.entries.size();
  hand.noise = choice.next();
  const std::uint64_t kind = choice.below(4);
  hand.poison = kind < 2 ? Poison::nan_words : kind == 2 ? Poison::noise : Poison::stale;
  if (hand.poison == Poison::stale) {
    if (pool_case.entries.size() < 2) {
      hand.poison = Poison::nan_words;
    } else {
      hand.stale_entry = (hand.entry + 1 + choice.below(pool_case.entries.size() - 1)) % pool_case.entries.size();
    }
  }
  if (symmetry == Symmetry::none) return hand;
  if (pool_case.columns >= kColumnsToSwap) {
    // Neighbours in a random order of strides: disjoint pairs, anywhere in the row.
    const auto quarter = static_cast<std::uint32_t>(pool_case.columns / kSwaps);
    for (std::uint32_t s = 0; s < kSwaps; ++s) {
      const auto first = static_cast<std::uint32_t>(choice.below(quarter));
      const auto step = static_cast<std::uint32_t>(1 + choice.below(quarter - 1));
      hand.columns.push_back({s * quarter + first, s * quarter + (first + step) % quarter});
    }
  }
  const std::size_t rows = pool_case.rows;
  if (rows > 1) {
    hand.rows.resize(rows);
    std::iota(hand.rows.begin(), hand.rows.end(), 0u);
    for (std::size_t i = rows - 1; i > 0; --i) std::swap(hand.rows[i], hand.rows[choice.below(i + 1)]);
  }
  hand.negate = symmetry == Symmetry::permute_rows_and_negate && choice.coin();
  return hand;
}

void deal(const PoolCase& pool_case, const Hand& hand, const Slot& slot, std::byte* arena) {
  const CallLayout& layout = pool_case.layout;
  const PoolEntry& entry = pool_case.entries[hand.entry];
  fill_red_zones(pool_case, slot, hand.noise, arena);
  for (std::size_t s = 0; s < layout.storages.size(); ++s)
    if (layout.storages[s].bytes > 0 && !overwritten(pool_case, hand, s))
      std::memcpy(arena + slot.storages[s], entry.contents.storages[s].data(), layout.storages[s].bytes);
  for (std::size_t a = 0; a < layout.arguments.size(); ++a) {
    const Argument& argument = layout.arguments[a];
    if (argument.kind != Argument::Kind::tensor) continue;
    const TensorLayout& tensor = argument.tensor;
    std::byte* storage = arena + slot.storages[tensor.storage];
    if (tensor.access == Access::output) {
      poison_output(pool_case, hand, a, storage);
    } else if (!pool_case.parts[a].segments.empty() && (!hand.rows.empty() || hand.negate)) {
      permute_parts(pool_case.parts[a], entry.contents.storages[tensor.storage].data(), storage, hand.rows,
                    hand.negate);
    }
    if (pool_case.columns_move[a] && tensor.access != Access::output)
      swap_columns(tensor, pool_case.columns, hand.columns, storage);
  }
}

CallContents collect(const PoolCase& pool_case, const Hand& hand, const Slot& slot, const std::byte* arena) {
  CallContents out;
  out.storages.resize(pool_case.layout.storages.size());
  for (std::size_t a = 0; a < pool_case.layout.arguments.size(); ++a) {
    const Argument& argument = pool_case.layout.arguments[a];
    if (argument.kind != Argument::Kind::tensor || argument.tensor.access == Access::input) continue;
    const TensorLayout& tensor = argument.tensor;
    std::vector<std::byte>& storage = out.storages[tensor.storage];
    storage.resize(pool_case.layout.storages[tensor.storage].bytes);
    const std::byte* from = arena + slot.storages[tensor.storage];
    if (!pool_case.parts[a].segments.empty()) {
      unpermute_parts(pool_case.parts[a], from, storage.data(), hand.rows, hand.negate);
    } else {
      for_each_run(tensor, [&](std::size_t offset, std::size_t bytes) {
        std::memcpy(storage.data() + offset, from + offset, bytes);
      });
    }
    if (pool_case.columns_move[a]) swap_columns(tensor, pool_case.columns, hand.columns, storage.data());
  }
  return out;
}

std::optional<StrayWrite> find_stray_write(const PoolCase& pool_case, const Hand& hand, const Slot& slot,
                                           const std::byte* arena) {
  const CallLayout& layout = pool_case.layout;
  const std::vector<std::byte> before = dealt_bytes(pool_case, hand, slot);
  const std::vector<ByteRanges> writable = changeable_bytes(layout);
  auto same = [&](std::size_t begin, std::size_t end) {
    return begin >= end || std::memcmp(arena + begin, before.data() + (begin - slot.begin), end - begin) == 0;
  };
  std::size_t at = slot.begin;
  for (std::size_t s = 0; s < slot.storages.size(); ++s) {
    const std::size_t first = slot.storages[s];
    if (!same(at, first)) return StrayWrite{"red zone before " + storage_name(layout, s), true};
    std::size_t inside = first;
    for (const ByteRange& range : writable[s]) {
      if (!same(inside, first + range.begin)) return StrayWrite{describe_bytes(layout, s), false};
      inside = first + range.end;
    }
    if (!same(inside, first + layout.storages[s].bytes)) return StrayWrite{describe_bytes(layout, s), false};
    at = first + layout.storages[s].bytes;
  }
  if (!same(at, slot.end))
    return StrayWrite{"red zone after " + storage_name(layout, slot.storages.empty() ? 0 : slot.storages.size() - 1),
                      true};
  return std::nullopt;
}

bool as_dealt(const PoolCase& pool_case, const Hand& hand, const Slot& slot, const std::byte* arena) {
  const std::vector<std::byte> bytes = dealt_bytes(pool_case, hand, slot);
  return std::memcmp(bytes.data(), arena + slot.begin, bytes.size()) == 0;
}

PreparedCall prepare_call(const CallLayout& layout, const Slot& slot, bool split_offset) {
  PreparedCall call{};
  call.argument_count = static_cast<std::uint32_t>(layout.arguments.size() + 1);
  for (std::size_t a = 0; a < layout.arguments.size(); ++a) {
    const Argument& argument = layout.arguments[a];
    CallArgument& out = call.arguments[a];
    switch (argument.kind) {
      case Argument::Kind::absent_tensor:
        out.kind = ArgumentKind::absent_tensor;
        break;
      case Argument::Kind::int64:
        out.kind = ArgumentKind::int64;
        out.integer = argument.integer;
        break;
      case Argument::Kind::int32:
        out.kind = ArgumentKind::int32;
        out.integer = argument.integer;
        break;
      case Argument::Kind::float64:
        out.kind = ArgumentKind::float64;
        out.real = argument.real;
        break;
      case Argument::Kind::tensor: {
        const TensorLayout& tensor = argument.tensor;
        out.kind = ArgumentKind::tensor;
        const DLPackType type = dlpack_type(tensor.dtype);
        out.dtype_code = type.code;
        out.dtype_bits = type.bits;
        out.ndim = static_cast<std::uint16_t>(tensor.shape.size());
        for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
          out.shape[i] = tensor.shape[i];
          out.strides[i] = tensor.strides[i];
        }
        if (tensor.element_count() == 0) {
          out.data = ~std::uint64_t{0};
        } else if (split_offset) {
          out.data = slot.storages[tensor.storage];
          out.byte_offset = tensor.byte_offset;
        } else {
          out.data = slot.storages[tensor.storage] + tensor.byte_offset;
        }
        break;
      }
    }
  }
  call.arguments[layout.arguments.size()].kind = ArgumentKind::stream;
  return call;
}

}  // namespace crucible
