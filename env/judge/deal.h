#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "env/judge/arena.h"
#include "env/judge/pool.h"
#include "sandbox/runner/control.h"

namespace crucible {

/// What an output holds before the call; it changes from launch to launch, so a kernel that works only when it sees one
/// kind of poison gains nothing.
enum class Poison : std::uint8_t {
  nan_words,  ///< one random NaN pattern, the same in every word of the launch
  noise,      ///< random bits
  stale,      ///< another entry's right answer: plausible, and wrong here
};

/// How an entry is dealt: which entry, in which order of rows, negated or not, with which poison.
struct Hand {
  std::size_t entry = 0;
  std::vector<std::uint32_t> rows;  ///< dealt row r holds the entry's row rows[r]; empty: as it is
  bool negate = false;
  std::vector<ColumnSwap> columns;  ///< disjoint pairs of columns that change places in the whole call
  Poison poison = Poison::nan_words;
  std::size_t stale_entry = 0;
  std::uint64_t noise = 0;
};

/// Draws a hand for `pool_case`, using the task's symmetry. Entries are chosen round robin from a random start, so that
/// with enough entries no chain sees one twice.
Hand draw_hand(const PoolCase& pool_case, Symmetry symmetry, std::size_t entry, Choice& choice);

/// Writes one hand into a slot: contents, poison of the outputs, and red zones.
void deal(const PoolCase& pool_case, const Hand& hand, const Slot& slot, std::byte* arena);

/// The outputs of a slot, put back into the order and sign of the pool's entry, in the entry's own layout.
CallContents collect(const PoolCase& pool_case, const Hand& hand, const Slot& slot, const std::byte* arena);

/// What a call changed although the contract does not let it.
struct StrayWrite {
  std::string what;  ///< "the input weight", "red zone after out", "bytes beside query and key"
  bool red_zone = false;
};

/// The first such change in a slot that was dealt `hand` and then called; empty when there is none.
std::optional<StrayWrite> find_stray_write(const PoolCase& pool_case, const Hand& hand, const Slot& slot,
                                           const std::byte* arena);

/// Whether every byte of a slot is still as deal() left it: a decoy must be.
bool as_dealt(const PoolCase& pool_case, const Hand& hand, const Slot& slot, const std::byte* arena);

/// The prepared call of a slot. `split_offset` puts a tensor's offset into DLTensor::byte_offset, else into data.
PreparedCall prepare_call(const CallLayout& layout, const Slot& slot, bool split_offset);

}  // namespace crucible
