#include "env/judge/deal.h"

#include <doctest/doctest.h>

#include <cstring>

#include "env/judge/symmetry.h"
#include "env/task/element.h"
#include "tests/judge/judge_fixture.h"

using namespace crucible;
using crucible::test::ready_case;
using crucible::test::task;
using crucible::test::write_truth;

void crucible::test::write_truth(const PoolCase& pool_case, const Hand& hand, const Slot& slot, std::byte* arena) {
  // The truth in the entry's order, then moved to the dealt order by dealing the rows again.
  for (const ExpectedOutput& expected : pool_case.entries[hand.entry].expected) {
    const TensorLayout& tensor = pool_case.layout.arguments[expected.argument].tensor;
    std::vector<std::byte> own(pool_case.layout.storages[tensor.storage].bytes);
    std::size_t dense = 0;
    for_each_run(tensor, [&](std::size_t offset, std::size_t bytes) {
      const std::size_t count = bytes / size_of(tensor.dtype);
      if (expected.exact) {
        std::memcpy(own.data() + offset, expected.bytes.data() + dense * size_of(tensor.dtype), bytes);
      } else {
        encode_values(expected.value.data() + dense, count, tensor.dtype, own.data() + offset);
      }
      dense += count;
    });
    std::byte* to = arena + slot.storages[tensor.storage];
    const Parts& parts = pool_case.parts[expected.argument];
    if (!parts.segments.empty()) {
      permute_parts(parts, own.data(), to, hand.rows, hand.negate);
    } else {
      for_each_run(
          tensor, [&](std::size_t offset, std::size_t bytes) { std::memcpy(to + offset, own.data() + offset, bytes); });
    }
    if (pool_case.columns_move[expected.argument]) swap_columns(tensor, pool_case.columns, hand.columns, to);
  }
}

TEST_CASE("what a perfect kernel writes into a dealt slot is accepted, in every task and case") {
  for (const std::string name : {"rms_norm", "fused_add_rms_norm", "layer_norm", "silu_and_mul", "softmax",
                                 "rotary_embedding", "gemm", "gemm_gelu", "paged_decode_attention"}) {
    const auto loaded = task(name);
    Pool pool(loaded, "secret");
    Choice choice(7);
    for (const Case& which : loaded->cases) {
      CAPTURE(name);
      CAPTURE(which.workload->name);
      CAPTURE(which.family);
      PoolCase& pool_case = ready_case(pool, which);
      for (int round = 0; round < 3; ++round) {
        const Hand hand = draw_hand(pool_case, loaded->symmetry, static_cast<std::size_t>(round), choice);
        std::vector<std::byte> memory(arena_bytes_for(pool_case.layout, 1, 256));
        const Slot slot = place_slots(pool_case.layout, 1, 256, memory.size(), choice).front();
        deal(pool_case, hand, slot, memory.data());
        CHECK(as_dealt(pool_case, hand, slot, memory.data()));
        write_truth(pool_case, hand, slot, memory.data());
        CHECK_FALSE(find_stray_write(pool_case, hand, slot, memory.data()));
        const CallContents seen = collect(pool_case, hand, slot, memory.data());
        CHECK(reject(pool_case, hand.entry, seen) == "");
        CHECK(reject_quickly(pool_case, hand.entry, seen) == "");
        // The quick look in place says the same, says no to one changed element, and then leaves the slot as it was.
        const std::vector<std::byte> called = memory;
        const ExpectedOutput& expected = pool_case.entries[hand.entry].expected.front();
        const TensorLayout& tensor = pool_case.layout.arguments[expected.argument].tensor;
        CHECK(accepted_in_place(pool_case, hand, slot, memory.data()));
        if (tensor.element_count() == 0) continue;
        memory = called;
        std::size_t at = 0, bytes = 0;
        const auto wanted = choice.below(static_cast<std::uint64_t>(tensor.shape.empty() ? 1 : tensor.shape[0]));
        std::size_t run = 0;
        for_each_run(tensor, [&](std::size_t offset, std::size_t length) {
          if (run++ <= wanted) at = slot.storages[tensor.storage] + offset, bytes = length;
        });
        memory[at + bytes - 1] ^= std::byte{0x7F};
        const std::vector<std::byte> broken = memory;
        CHECK_FALSE(accepted_in_place(pool_case, hand, slot, memory.data()));
        CHECK(memory == broken);
      }
    }
  }
}

TEST_CASE("a stray write is found wherever it lands, and named") {
  const auto loaded = task("rms_norm");
  Pool pool(loaded, "secret");
  Choice choice(3);
  PoolCase& pool_case = ready_case(pool, loaded->cases.front());
  const Hand hand = draw_hand(pool_case, loaded->symmetry, 0, choice);
  std::vector<std::byte> memory(arena_bytes_for(pool_case.layout, 1, 256));
  const Slot slot = place_slots(pool_case.layout, 1, 256, memory.size(), choice).front();
  deal(pool_case, hand, slot, memory.data());
  const TensorLayout& out = pool_case.layout.arguments[pool_case.layout.index_of("out")].tensor;
  const TensorLayout& weight = pool_case.layout.arguments[pool_case.layout.index_of("weight")].tensor;

  SUBCASE("one byte past the output") {
    memory[slot.storages[out.storage] + pool_case.layout.storages[out.storage].bytes] ^= std::byte{1};
    const auto stray = find_stray_write(pool_case, hand, slot, memory.data());
    REQUIRE(stray);
    CHECK(stray->red_zone);
  }
  SUBCASE("an input") {
    memory[slot.storages[weight.storage] + weight.byte_offset] ^= std::byte{1};
    const auto stray = find_stray_write(pool_case, hand, slot, memory.data());
    REQUIRE(stray);
    CHECK_FALSE(stray->red_zone);
    CHECK(stray->what.find("weight") != std::string::npos);
  }
  SUBCASE("the output itself is no stray write, but the slot is no untouched decoy") {
    memory[slot.storages[out.storage] + out.byte_offset] ^= std::byte{1};
    CHECK_FALSE(find_stray_write(pool_case, hand, slot, memory.data()));
    CHECK_FALSE(as_dealt(pool_case, hand, slot, memory.data()));
  }
}

TEST_CASE("a dealt call with its columns exchanged has the exchanged truth, by the oracle itself") {
  for (const std::string name : {"rms_norm", "fused_add_rms_norm", "layer_norm", "silu_and_mul", "softmax", "gemm"}) {
    const auto loaded = task(name);
    Pool pool(loaded, "secret");
    Choice choice(5);
    bool exchanged = false;
    for (const Case& which : loaded->cases) {
      CAPTURE(name);
      CAPTURE(which.workload->name);
      CAPTURE(which.family);
      PoolCase& pool_case = ready_case(pool, which);
      const Hand hand = draw_hand(pool_case, loaded->symmetry, 0, choice);
      if (hand.columns.empty()) continue;
      exchanged = true;
      std::vector<std::byte> memory(arena_bytes_for(pool_case.layout, 1, 256));
      const Slot slot = place_slots(pool_case.layout, 1, 256, memory.size(), choice).front();
      deal(pool_case, hand, slot, memory.data());
      CallView dealt{&pool_case.layout, {}};
      for (std::size_t at : slot.storages) dealt.base.push_back(memory.data() + at);
      const std::vector<ExpectedOutput> truth = loaded->reference->compute(dealt);
      for (const ExpectedOutput& expected : truth) {
        const TensorLayout& tensor = pool_case.layout.arguments[expected.argument].tensor;
        std::size_t dense = 0;
        for_each_run(tensor, [&](std::size_t offset, std::size_t bytes) {
          const std::size_t count = bytes / size_of(tensor.dtype);
          encode_values(expected.value.data() + dense, count, tensor.dtype,
                        memory.data() + slot.storages[tensor.storage] + offset);
          dense += count;
        });
      }
      CHECK(reject(pool_case, hand.entry, collect(pool_case, hand, slot, memory.data())) == "");
    }
    CHECK(exchanged);
  }
}

TEST_CASE("two hands of one entry differ in contents where the task has a symmetry") {
  const auto loaded = task("rms_norm");
  REQUIRE(loaded->symmetry != Symmetry::none);
  Pool pool(loaded, "secret");
  Choice choice(11);
  for (const Case& which : loaded->cases) {
    PoolCase& pool_case = ready_case(pool, which);
    if (pool_case.rows < 16) continue;
    const Slot slot = place_slots(pool_case.layout, 1, 64, arena_bytes_for(pool_case.layout, 1, 64), choice).front();
    std::vector<std::byte> a(arena_bytes_for(pool_case.layout, 1, 64)), b(a.size());
    Hand first = draw_hand(pool_case, loaded->symmetry, 0, choice);
    Hand second = draw_hand(pool_case, loaded->symmetry, 0, choice);
    second.noise = first.noise;
    second.poison = first.poison = Poison::nan_words;
    deal(pool_case, first, slot, a.data());
    deal(pool_case, second, slot, b.data());
    CHECK(std::memcmp(a.data() + slot.begin, b.data() + slot.begin, slot.end - slot.begin) != 0);
    return;
  }
  FAIL("no case with 16 rows");
}
