#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "env/reference/reference.h"
#include "env/task/call.h"

namespace crucible {

/// One set of axis values, with its count in production.
struct Workload {
  std::string name;                                        ///< unique within the task
  DType dtype = DType::f32;                                ///< the task's T
  std::vector<std::pair<std::string, std::int64_t>> axes;  ///< in the task's order
  std::map<std::string, std::string> options;  ///< layout variants: "strided", "offset", "hnd", "no_bias", …
  double count = 1;                            ///< how often production runs it
  bool hidden = false;                         ///< never shown to the candidate; correctness only
  bool timed = true;
  std::int64_t rows = 1;  ///< how many rows the task's symmetry permutes

  std::int64_t axis(std::string_view name) const;  ///< throws std::out_of_range naming the workload
};

/// One workload with one distribution.
struct Case {
  const Workload* workload = nullptr;
  std::string family;  ///< the distribution family: "normal", "outlier_channels", "special_values", …
};

/// How an entry of the pool may be dealt again with its reference still exact (all in terms of the flattened leading
/// dimensions of row-wise tasks). `none`: an entry is dealt once per candidate process.
enum class Symmetry : std::uint8_t { none, permute_rows, permute_rows_and_negate };

/// A task: the operation, its contract, its workloads, its data and its oracle. Immutable after loading.
struct Task {
  std::string name;         ///< also the entry point
  std::string file;         ///< the YAML it came from
  std::string title;        ///< one line
  std::string description;  ///< the operation in words and formula, for the prompt
  std::string entry_point;  ///< the C declaration, verbatim
  std::string rules;        ///< task-specific rules, for the prompt
  std::string seed_kernel;  ///< a correct slow kernel (source text) for the cpu backend
  std::vector<std::string> backends;
  std::vector<std::string> hints;   ///< arguments that need not matter (max_q, …)
  std::vector<Workload> workloads;  ///< public ones first
  std::vector<Case> cases;          ///< correctness cases, in order; point into `workloads`
  std::vector<Case> sequences;      ///< output-fed sequences are run on these
  Symmetry symmetry = Symmetry::none;
  /// The tensors that the symmetry permutes (and negates) together. Each consists of Workload::rows equal parts along
  /// its leading dimensions: row r of one belongs to row r of the others.
  std::vector<std::string> row_arguments;
  /// The tensors whose columns (last dimension) may be permuted together, one permutation for the whole call, with the
  /// reference still exact. A tensor several times as wide as the narrowest consists of that many blocks, each
  /// permuted.
  std::vector<std::string> column_arguments;
  /// What a call must do at least, as formulas (env/task/cost.h): for the machine's roof. Empty: bytes are those of all
  /// arguments, operations are not counted.
  std::string cost_flops, cost_bytes;
  std::map<std::string, std::string> slow_baselines;  ///< by name: why it reaches less than 60 % of the best one
  std::shared_ptr<const class Generator> generator;
  std::shared_ptr<const Reference> reference;
};

/// Makes layouts and data of one task. Stateless and thread-safe.
class Generator {
 public:
  virtual ~Generator() = default;

  /// Shapes, strides and placement of a call on `workload`. Deterministic.
  virtual CallLayout layout(const Workload& workload) const = 0;

  /// Contents of one pool entry. `key` (from HMAC of the run secret; see DESIGN.md) determines every bit of it.
  virtual CallContents fill(const Workload& workload, const CallLayout& layout, std::string_view family,
                            const std::array<std::uint8_t, 32>& key) const = 0;
};

/// Loads one task file (configs/tasks/NAME.yaml) as `backend` runs it, the task's first backend when empty: workloads
/// and dtypes differ. Throws ConfigError naming file, line, key and fix.
std::shared_ptr<const Task> load_task(const std::string& path, const std::string& backend = "");

/// Finds tasks by name in `directories`, in order. Throws ConfigError with did-you-mean when there is none.
std::shared_ptr<const Task> find_task(std::string_view name, const std::vector<std::string>& directories,
                                      const std::string& backend = "");

/// Names of all tasks in `directories`, sorted.
std::vector<std::string> task_names(const std::vector<std::string>& directories);

}  // namespace crucible
