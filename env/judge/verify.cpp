#include "env/judge/verify.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "env/judge/symmetry.h"

namespace crucible {
namespace {

constexpr double kBarFactor = 2;
constexpr double kRmsFactor = 1.15;
constexpr std::size_t kRmsElements = 4096;

bool any_custom(const PoolEntry& entry) {
  return std::any_of(entry.expected.begin(), entry.expected.end(), [](const ExpectedOutput& e) { return e.custom; });
}

/// Views need every storage; collect() leaves those without outputs empty, and the oracle reads inputs elsewhere.
std::optional<std::string> check_custom(const PoolCase& pool_case, const PoolEntry& entry, const CallContents& seen,
                                        const Reference& reference) {
  CallView inputs = view_of(pool_case.layout, entry.contents);
  CallView outputs = view_of(pool_case.layout, seen);
  return reference.check_custom(inputs, outputs);
}

}  // namespace

std::string reject_quickly(const PoolCase& pool_case, std::size_t number, const CallContents& seen) {
  const PoolEntry& entry = pool_case.entries[number];
  for (std::size_t i = 0; i < entry.expected.size(); ++i) {
    const ExpectedOutput& expected = entry.expected[i];
    if (expected.custom) continue;
    const Argument& argument = pool_case.layout.arguments[expected.argument];
    const std::vector<std::byte>& storage = seen.storages[argument.tensor.storage];
    if (entry.accepted[i].first_rejected(argument.tensor, storage.data()))
      return judge_output(argument.name, expected, argument.tensor, storage.data(), pool_case.tolerance[i])
          .value_or(argument.name + ": outside the accepted interval");
  }
  if (any_custom(entry))
    if (auto why = check_custom(pool_case, entry, seen, *pool_case.reference)) return *why;
  return {};
}

bool accepted_in_place(const PoolCase& pool_case, const Hand& hand, const Slot& slot, std::byte* arena) {
  const PoolEntry& entry = pool_case.entries[hand.entry];
  if (any_custom(entry)) return false;
  for (std::size_t i = 0; i < entry.expected.size(); ++i) {
    const std::size_t a = entry.expected[i].argument;
    const TensorLayout& tensor = pool_case.layout.arguments[a].tensor;
    const AcceptedOutput& accepted = entry.accepted[i];
    std::byte* storage = arena + slot.storages[tensor.storage];
    const bool moved = pool_case.columns_move[a] && !hand.columns.empty();
    if (moved) swap_columns(tensor, pool_case.columns, hand.columns, storage);
    const Parts& parts = pool_case.parts[a];
    bool right = true;
    if (parts.segments.empty()) {
      right = !accepted.first_rejected(tensor, storage);
    } else {
      const std::size_t n = parts.per_part(), element = size_of(tensor.dtype);
      const std::size_t part_elements = static_cast<std::size_t>(tensor.element_count()) / parts.count;
      for (std::size_t r = 0; r < parts.count && right; ++r) {
        std::size_t index = (hand.rows.empty() ? r : hand.rows[r]) * part_elements;
        for (const Segment* at = parts.segments.data() + r * n; at != parts.segments.data() + (r + 1) * n; ++at) {
          right = right && accepted.accepts_run(index, storage + at->offset, at->bytes / element, hand.negate);
          index += at->bytes / element;
        }
      }
    }
    if (right) continue;
    // Put back what has moved, this output's and the earlier ones'.
    for (std::size_t j = 0; j <= i; ++j) {
      const std::size_t b = entry.expected[j].argument;
      const TensorLayout& other = pool_case.layout.arguments[b].tensor;
      if (pool_case.columns_move[b] && !hand.columns.empty())
        swap_columns(other, pool_case.columns, hand.columns, arena + slot.storages[other.storage]);
    }
    return false;
  }
  return true;
}

std::string reject(const PoolCase& pool_case, std::size_t number, const CallContents& seen) {
  const PoolEntry& entry = pool_case.entries[number];
  for (std::size_t i = 0; i < entry.expected.size(); ++i) {
    const ExpectedOutput& expected = entry.expected[i];
    if (expected.custom) continue;
    const Argument& argument = pool_case.layout.arguments[expected.argument];
    if (auto why = judge_output(argument.name, expected, argument.tensor, seen.storages[argument.tensor.storage].data(),
                                pool_case.tolerance[i]))
      return *why;
  }
  if (any_custom(entry))
    if (auto why = check_custom(pool_case, entry, seen, *pool_case.reference)) return *why;
  return {};
}

std::vector<OutputError> errors_of(const PoolCase& pool_case, std::size_t number, const CallContents& seen) {
  const PoolEntry& entry = pool_case.entries[number];
  std::optional<std::string> custom;
  if (any_custom(entry)) custom = check_custom(pool_case, entry, seen, *pool_case.reference);
  std::vector<OutputError> errors;
  for (const ExpectedOutput& expected : entry.expected) {
    if (expected.custom) {
      OutputError error;
      if (custom) {
        error.eta = std::numeric_limits<double>::infinity();
        error.mismatch = *custom;
      }
      errors.push_back(error);
      continue;
    }
    const TensorLayout& tensor = pool_case.layout.arguments[expected.argument].tensor;
    errors.push_back(measure_error(expected, tensor, seen.storages[tensor.storage].data()));
  }
  return errors;
}

std::vector<Tolerance> bar_from(const std::vector<std::vector<OutputError>>& errors) {
  std::vector<Tolerance> bar;
  bool admitted_any = false;
  for (const std::vector<OutputError>& run : errors) {
    const bool admitted = std::all_of(run.begin(), run.end(),
                                      [](const OutputError& e) { return e.mismatch.empty() && e.eta <= kAdmittedEta; });
    if (!admitted) continue;
    admitted_any = true;
    bar.resize(run.size());
    for (std::size_t i = 0; i < run.size(); ++i) {
      bar[i].max_eta = std::max(bar[i].max_eta, kBarFactor * run[i].eta);
      if (run[i].finite_elements >= kRmsElements)
        bar[i].max_rms_eta = std::max(bar[i].max_rms_eta.value_or(0), kRmsFactor * run[i].rms_eta);
    }
  }
  if (!admitted_any) bar.clear();
  return bar;
}

bool trivial_program_passes(const PoolCase& pool_case, std::size_t number) {
  const PoolEntry& entry = pool_case.entries[number];
  const CallLayout& layout = pool_case.layout;
  // Each program writes every output; `write` gets the tensor and its first byte.
  using Program = std::function<void(const TensorLayout&, std::byte*)>;
  auto constant = [](double value) -> Program {
    return [value](const TensorLayout& tensor, std::byte* storage) {
      const std::size_t element = size_of(tensor.dtype);
      std::vector<double> row;
      for_each_run(tensor, [&](std::size_t offset, std::size_t bytes) {
        row.assign(bytes / element, value);
        encode_values(row.data(), row.size(), tensor.dtype, storage + offset);
      });
    };
  };
  std::vector<Program> programs = {[](const TensorLayout&, std::byte*) {}, constant(0), constant(1)};
  double mean = 0;
  for (const ExpectedOutput& expected : entry.expected)
    if (!expected.value.empty()) {
      std::size_t finite = 0;
      for (double v : expected.value)
        if (std::isfinite(v)) {
          mean += v;
          ++finite;
        }
      if (finite > 0) mean /= static_cast<double>(finite);
      break;
    }
  programs.push_back(constant(mean));
  for (const Argument& argument : layout.arguments) {
    if (argument.kind != Argument::Kind::tensor || argument.tensor.access == Access::output) continue;
    programs.push_back([&](const TensorLayout& tensor, std::byte* storage) {
      if (argument.tensor.dtype != tensor.dtype || argument.tensor.element_count() < tensor.element_count()) return;
      std::vector<std::byte> dense;
      const std::byte* from = entry.contents.storages[argument.tensor.storage].data();
      for_each_run(argument.tensor, [&](std::size_t offset, std::size_t bytes) {
        dense.insert(dense.end(), from + offset, from + offset + bytes);
      });
      std::size_t at = 0;
      for_each_run(tensor, [&](std::size_t offset, std::size_t bytes) {
        std::memcpy(storage + offset, dense.data() + at, bytes);
        at += bytes;
      });
    });
  }
  for (const Program& program : programs) {
    CallContents seen = entry.contents;  // inout tensors start from their input
    for (std::size_t s = 0; s < seen.storages.size(); ++s) seen.storages[s].resize(layout.storages[s].bytes);
    for (const Argument& argument : layout.arguments)
      if (argument.kind == Argument::Kind::tensor && argument.tensor.access == Access::output)
        for_each_run(argument.tensor, [&](std::size_t offset, std::size_t bytes) {
          std::memset(seen.storages[argument.tensor.storage].data() + offset, 0xFF, bytes);
        });
    for (const ExpectedOutput& expected : entry.expected) {
      const TensorLayout& tensor = layout.arguments[expected.argument].tensor;
      program(tensor, seen.storages[tensor.storage].data());
    }
    if (reject(pool_case, number, seen).empty()) return true;
  }
  return false;
}

}  // namespace crucible
