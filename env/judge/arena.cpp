#include "env/judge/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace crucible {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kLine = 64;

std::size_t round_up(std::size_t value, std::size_t to) { return (value + to - 1) / to * to; }

}  // namespace

Arena::Arena(std::size_t bytes) : bytes_(round_up(std::max<std::size_t>(bytes, kPage), kPage)) {
  memory_ = FileDescriptor(::memfd_create("crucible-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory_) throw std::system_error(errno, std::generic_category(), "memfd_create");
  if (::ftruncate(memory_.get(), static_cast<off_t>(bytes_)) != 0)
    throw std::system_error(errno, std::generic_category(), "ftruncate of an arena");
  if (::fcntl(memory_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    throw std::system_error(errno, std::generic_category(), "sealing an arena");
  void* at = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, memory_.get(), 0);
  if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mapping an arena");
  base_ = static_cast<std::byte*>(at);
}

Arena::~Arena() {
  if (base_ != nullptr) ::munmap(base_, bytes_);
}

std::size_t slot_bytes(const CallLayout& layout, std::size_t red_zone) {
  std::size_t total = red_zone;
  for (const StorageLayout& storage : layout.storages)
    total += round_up(storage.bytes, kLine) + std::max(storage.alignment, kLine) + red_zone;
  return round_up(total, kLine);
}

std::size_t arena_bytes_for(const CallLayout& layout, std::size_t count, std::size_t red_zone) {
  return count * (slot_bytes(layout, red_zone) + kPage) + kPage;
}

std::vector<Slot> place_slots(const CallLayout& layout, std::size_t count, std::size_t red_zone,
                              std::size_t arena_bytes, Choice& choice) {
  std::vector<Slot> slots(count);
  std::size_t at = 0;
  for (Slot& slot : slots) {
    at += kLine * choice.below(kPage / kLine);
    slot.begin = at;
    at += red_zone;
    for (const StorageLayout& storage : layout.storages) {
      at = round_up(at, std::max(storage.alignment, kLine));
      slot.storages.push_back(at);
      at += storage.bytes;
      at = round_up(at + red_zone, kLine);
    }
    slot.end = at;
  }
  if (at > arena_bytes) throw std::length_error("the slots do not fit into the arena");
  return slots;
}

}  // namespace crucible
