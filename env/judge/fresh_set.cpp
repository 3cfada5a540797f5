#include "env/judge/fresh_set.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "env/task/element.h"

namespace crucible {
namespace {

constexpr double kSteadyRms = 0.3;
constexpr std::size_t kShare = 64;  // one element in so many takes the part's largest value, or one alone another's

bool floating(DType dtype) { return dtype == DType::f32 || dtype == DType::bf16 || dtype == DType::f16; }

/// The elements of one part, by index.
class Part {
 public:
  Part(const Parts& parts, std::size_t number, std::byte* storage)
      : first_(parts.segments.data() + number * parts.per_part()),
        segments_(parts.per_part()),
        dtype_(parts.dtype),
        element_(size_of(parts.dtype)),
        storage_(storage) {
    for (std::size_t i = 0; i < segments_; ++i) count_ += first_[i].bytes / element_;
  }

  std::size_t size() const { return count_; }

  std::byte* at(std::size_t index) const {
    for (std::size_t i = 0; i < segments_; ++i) {
      const std::size_t here = first_[i].bytes / element_;
      if (index < here) return storage_ + first_[i].offset + index * element_;
      index -= here;
    }
    return nullptr;
  }

  /// The index of the element of largest magnitude.
  std::size_t largest() const {
    std::size_t best = 0;
    double magnitude = -1;
    for (std::size_t i = 0; i < count_; ++i) {
      const double value = std::fabs(load_element(dtype_, at(i)));
      if (value > magnitude) best = i, magnitude = value;
    }
    return best;
  }

  void copy(std::size_t from, std::size_t to) const { std::memcpy(at(to), at(from), element_); }

 private:
  const Segment* first_;
  std::size_t segments_;
  DType dtype_;
  std::size_t element_;
  std::byte* storage_;
  std::size_t count_ = 0;
};

/// A single change escapes whoever looks at few words; many changes move every statistic of the part.
void change(const Part& part, Choice& choice) {
  if (part.size() < 2) return;
  if (choice.coin()) {
    part.copy(choice.below(part.size()), choice.below(part.size()));
    return;
  }
  const std::size_t largest = part.largest();
  for (std::size_t i = 0; i <= part.size() / kShare; ++i) part.copy(largest, choice.below(part.size()));
}

}  // namespace

std::unique_ptr<PoolCase> freshen(const PoolCase& pool_case, std::size_t entry, Choice& choice) {
  auto made = std::make_unique<PoolCase>();
  made->workload = pool_case.workload;
  made->family = pool_case.family;
  made->layout = pool_case.layout;
  made->rows = pool_case.rows;
  made->parts = pool_case.parts;
  made->columns = pool_case.columns;
  made->columns_move = pool_case.columns_move;
  made->tolerance = pool_case.tolerance;
  if (!rms_is_steady(made->tolerance))
    for (Tolerance& each : made->tolerance) each.max_rms_eta.reset();
  made->empty = pool_case.empty;
  made->reference = pool_case.reference;
  PoolEntry fresh;
  fresh.contents = pool_case.entries[entry % pool_case.entries.size()].contents;
  bool changed = false;
  for (std::size_t a = 0; a < made->layout.arguments.size(); ++a) {
    const Argument& argument = made->layout.arguments[a];
    if (argument.kind != Argument::Kind::tensor || argument.tensor.access == Access::output) continue;
    const Parts& parts = made->parts[a];
    if (parts.segments.empty() || !floating(parts.dtype)) continue;
    std::byte* storage = fresh.contents.storages[argument.tensor.storage].data();
    for (std::size_t part = 0; part < parts.count; ++part) change(Part(parts, part, storage), choice);
    changed = true;
  }
  if (!changed) return nullptr;
  fresh.expected = made->reference->compute(view_of(made->layout, fresh.contents));
  made->entries.push_back(std::move(fresh));
  return made;
}

bool rms_is_steady(const std::vector<Tolerance>& tolerance) {
  return std::all_of(tolerance.begin(), tolerance.end(),
                     [](const Tolerance& each) { return !each.max_rms_eta || *each.max_rms_eta >= kSteadyRms; });
}

}  // namespace crucible
