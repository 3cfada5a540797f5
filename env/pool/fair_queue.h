#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

namespace crucible {

/// What waits for one stage: higher priority first; among equals whoever was served least (in seconds), so that one
/// owner's slow work does not hold up everybody else's; among those, first come. An owner who was idle has saved
/// nothing up: its claim counts from now. Not thread-safe. `Item` is cheap to copy and ordered.
template <class Item>
class FairQueue {
 public:
  /// `served`: seconds that the item's owner has used so far. An item is in the queue at most once.
  void push(Item item, int priority, double served) {
    const Place place{-priority, served > now_ ? served : now_, sequence_++};
    order_.emplace(place, item);
    places_.emplace(std::move(item), place);
  }

  /// Needs a queue that is not empty.
  Item pop() {
    const auto first = order_.begin();
    now_ = std::get<1>(first->first) > now_ ? std::get<1>(first->first) : now_;
    Item item = first->second;
    places_.erase(item);
    order_.erase(first);
    return item;
  }

  /// Priority of the item that pop() would give; needs a queue that is not empty.
  int first_priority() const { return -std::get<0>(order_.begin()->first); }

  /// False when it is not here.
  bool remove(const Item& item) {
    const auto at = places_.find(item);
    if (at == places_.end()) return false;
    order_.erase(at->second);
    places_.erase(at);
    return true;
  }

  /// Moves an item forward; never back.
  void raise(const Item& item, int priority) {
    const auto at = places_.find(item);
    if (at == places_.end() || -priority >= std::get<0>(at->second)) return;
    order_.erase(at->second);
    std::get<0>(at->second) = -priority;
    order_.emplace(at->second, item);
  }

  std::size_t size() const { return order_.size(); }
  bool empty() const { return order_.empty(); }

 private:
  using Place = std::tuple<int, double, std::uint64_t>;

  std::map<Place, Item> order_;
  std::map<Item, Place> places_;
  double now_ = 0;
  std::uint64_t sequence_ = 0;
};

}  // namespace crucible
