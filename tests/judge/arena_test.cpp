#include "env/judge/arena.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

using namespace crucible;

TEST_CASE("an arena cannot be resized by whoever gets its descriptor") {
  const Arena arena(1 << 16);
  CHECK(::ftruncate(arena.descriptor(), 0) != 0);
  CHECK(::ftruncate(arena.descriptor(), 1 << 20) != 0);
  CHECK(::fcntl(arena.descriptor(), F_ADD_SEALS, F_SEAL_WRITE) != 0);
}

TEST_CASE("slots keep red zones, alignment and distance, and do not overlap") {
  CallLayout layout;
  layout.storages = {{1000, 64}, {0, 64}, {33, 256}};
  Choice choice(1);
  const std::size_t red_zone = 256;
  const std::size_t bytes = arena_bytes_for(layout, 20, red_zone);
  const std::vector<Slot> slots = place_slots(layout, 20, red_zone, bytes, choice);
  std::size_t end = 0;
  for (const Slot& slot : slots) {
    CHECK(slot.begin >= end);
    end = slot.end;
    std::size_t free_from = slot.begin;
    for (std::size_t s = 0; s < layout.storages.size(); ++s) {
      CHECK(slot.storages[s] >= free_from + red_zone);
      CHECK(slot.storages[s] % layout.storages[s].alignment == 0);
      free_from = slot.storages[s] + layout.storages[s].bytes;
    }
    CHECK(slot.end >= free_from + red_zone);
  }
  CHECK(end <= bytes);
  CHECK_THROWS_AS(place_slots(layout, 20, red_zone, 1000, choice), std::length_error);
}
