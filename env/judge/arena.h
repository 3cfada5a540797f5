#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "env/judge/keys.h"
#include "env/task/call.h"
#include "sandbox/file_descriptor.h"

namespace crucible {

/// A sealed memfd mapped into the judge: the memory that one runner gets. It is created for one runner and never given
/// to another. The runner cannot shrink or grow it.
class Arena {
 public:
  explicit Arena(std::size_t bytes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::byte* base() const { return base_; }
  std::size_t size() const { return bytes_; }
  int descriptor() const { return memory_.get(); }

 private:
  FileDescriptor memory_;
  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Where one call's storages lie in an arena. Around every storage lies a red zone.
struct Slot {
  std::vector<std::size_t> storages;  ///< offset of each storage's first byte
  std::size_t begin = 0;              ///< first byte of the slot, red zones included
  std::size_t end = 0;
};

/// Bytes one slot takes with red zones of `red_zone` bytes (before placement jitter).
std::size_t slot_bytes(const CallLayout& layout, std::size_t red_zone);

/// Places `count` slots one after another; `choice` adds up to a page of cache-line jitter between slots, so that no
/// fixed distance between buffers is part of what is measured. Throws std::length_error when they do not fit.
std::vector<Slot> place_slots(const CallLayout& layout, std::size_t count, std::size_t red_zone,
                              std::size_t arena_bytes, Choice& choice);

/// Upper bound of what place_slots() needs.
std::size_t arena_bytes_for(const CallLayout& layout, std::size_t count, std::size_t red_zone);

}  // namespace crucible
