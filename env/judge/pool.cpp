#include "env/judge/pool.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "env/task/bytes.h"

namespace crucible {
namespace {

/// Bytes without a given value get noise, so that a kernel that reads them learns nothing that repeats.
void scatter_noise(const CallLayout& layout, CallContents& contents, const Key& key) {
  Choice choice(key);
  const std::vector<ByteRanges> given = given_bytes(layout);
  for (std::size_t s = 0; s < contents.storages.size(); ++s) {
    std::vector<std::byte>& bytes = contents.storages[s];
    for (const ByteRange& range : complement(given[s], bytes.size())) {
      for (std::size_t at = range.begin; at < range.end; at += 8) {
        const std::uint64_t word = choice.next();
        std::memcpy(bytes.data() + at, &word, std::min<std::size_t>(8, range.end - at));
      }
    }
  }
}

}  // namespace

Pool::Pool(std::shared_ptr<const Task> task, std::string secret) : task_(std::move(task)), secret_(std::move(secret)) {}

PoolCase& Pool::get(const Workload& workload, const std::string& family, std::size_t entries) {
  std::unique_ptr<PoolCase>& held = cases_[{workload.name, family}];
  if (!held) {
    held = std::make_unique<PoolCase>(outline(*task_, workload, family));
  }
  while (held->entries.size() < entries) {
    held->entries.push_back(make(*held, held->entries.size()));
    if (!held->tolerance.empty()) {
      PoolEntry& entry = held->entries.back();
      for (std::size_t i = 0; i < entry.expected.size(); ++i)
        entry.accepted.emplace_back(entry.expected[i], held->layout.arguments[entry.expected[i].argument].tensor,
                                    held->tolerance[i]);
    }
  }
  return *held;
}

PoolCase Pool::outline(const Task& task, const Workload& workload, const std::string& family) {
  PoolCase made;
  made.workload = &workload;
  made.family = family;
  made.layout = task.generator->layout(workload);
  made.reference = task.reference;
  made.parts.resize(made.layout.arguments.size());
  made.columns_move.resize(made.layout.arguments.size());
  made.empty = true;
  if (task.symmetry != Symmetry::none) made.rows = static_cast<std::size_t>(std::max<std::int64_t>(1, workload.rows));
  for (std::size_t a = 0; a < made.layout.arguments.size(); ++a) {
    const Argument& argument = made.layout.arguments[a];
    if (argument.kind != Argument::Kind::tensor) continue;
    if (argument.tensor.access != Access::input && argument.tensor.element_count() > 0) made.empty = false;
    const bool moved =
        task.symmetry != Symmetry::none &&
        std::find(task.row_arguments.begin(), task.row_arguments.end(), argument.name) != task.row_arguments.end();
    if (moved) made.parts[a] = parts_of(argument.tensor, made.rows);
    if (std::find(task.column_arguments.begin(), task.column_arguments.end(), argument.name) ==
            task.column_arguments.end() ||
        argument.tensor.shape.empty())
      continue;
    made.columns_move[a] = true;
    const auto width = static_cast<std::size_t>(argument.tensor.shape.back());
    made.columns = made.columns == 0 ? width : std::min(made.columns, width);
  }
  return made;
}

PoolEntry Pool::make(const PoolCase& pool_case, std::size_t number) const {
  const std::string index = std::to_string(number);
  const Key key = derive_key(secret_, {task_->name, pool_case.workload->name, pool_case.family, index});
  PoolEntry entry;
  entry.contents = task_->generator->fill(*pool_case.workload, pool_case.layout, pool_case.family, key);
  scatter_noise(pool_case.layout, entry.contents,
                derive_key(secret_, {task_->name, pool_case.workload->name, pool_case.family, index, "noise"}));
  entry.expected = task_->reference->compute(view_of(pool_case.layout, entry.contents));
  return entry;
}

void Pool::accept(PoolCase& pool_case, std::vector<Tolerance> tolerance) {
  pool_case.tolerance = std::move(tolerance);
  for (PoolEntry& entry : pool_case.entries) {
    entry.accepted.clear();
    for (std::size_t i = 0; i < entry.expected.size(); ++i)
      entry.accepted.emplace_back(entry.expected[i], pool_case.layout.arguments[entry.expected[i].argument].tensor,
                                  pool_case.tolerance[i]);
  }
}

}  // namespace crucible
