#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "env/judge/checker.h"
#include "env/task/bytes.h"
#include "env/task/element.h"
#include "env/task/rows.h"
#include "env/task/task.h"

namespace crucible {
namespace {

std::vector<std::shared_ptr<const Task>> all_tasks() {
  std::vector<std::shared_ptr<const Task>> tasks;
  for (const std::string& name : task_names({CRUCIBLE_TASK_DIR})) tasks.push_back(find_task(name, {CRUCIBLE_TASK_DIR}));
  return tasks;
}

std::array<std::uint8_t, 32> key_of(std::uint8_t byte) {
  std::array<std::uint8_t, 32> key{};
  key[0] = byte;
  return key;
}

struct Filled {
  CallLayout layout;
  CallContents contents;
  CallView view() const { return view_of(layout, contents); }
  std::vector<double> values(std::string_view name) const { return read_dense(view(), layout.index_of(name)); }
  std::vector<std::int64_t> integers(std::string_view name) const {
    return read_integers(view(), layout.index_of(name));
  }
};

Filled fill(const Task& task, const Case& a_case, std::uint8_t key = 1) {
  Filled filled;
  filled.layout = task.generator->layout(*a_case.workload);
  filled.contents = task.generator->fill(*a_case.workload, filled.layout, a_case.family, key_of(key));
  return filled;
}

TEST_CASE("the ten cpu tasks are there") {
  CHECK(task_names({CRUCIBLE_TASK_DIR}) ==
        std::vector<std::string>{"fused_add_rms_norm", "gemm", "gemm_gelu", "layer_norm", "paged_decode_attention",
                                 "rms_norm", "rotary_embedding", "silu_and_mul", "softmax", "topk_softmax"});
}

TEST_CASE("every task offers both dtypes in public, odd shapes in secret, and 20 to 60 cases") {
  for (const auto& task : all_tasks()) {
    CAPTURE(task->name);
    std::set<DType> dtypes;
    std::size_t timed = 0, hidden = 0, empty = 0, tall = 0;
    for (const Workload& workload : task->workloads) {
      const CallLayout layout = task->generator->layout(workload);
      if (!workload.hidden) dtypes.insert(workload.dtype);
      timed += workload.timed;
      hidden += workload.hidden;
      CHECK(workload.timed != workload.hidden);
      for (const Argument& argument : layout.arguments) {
        if (argument.kind != Argument::Kind::tensor || argument.tensor.access == Access::input) continue;
        empty += argument.tensor.element_count() == 0;
        tall += argument.tensor.shape[0] > 4096 && argument.tensor.shape.size() > 1;
      }
      std::size_t bytes = 0;
      for (const StorageLayout& storage : layout.storages) bytes += storage.bytes;
      CHECK_MESSAGE(bytes <= (std::size_t{8} << 20), workload.name);
    }
    CHECK(dtypes == std::set<DType>{DType::f32, DType::bf16});
    CHECK(timed >= 3);
    CHECK(timed <= 4);
    CHECK(hidden >= 10);
    CHECK(empty >= 1);
    if (task->name != "paged_decode_attention") CHECK(tall >= 1);
    CHECK(task->cases.size() >= 20);
    CHECK(task->cases.size() <= 60);
    CHECK(task->seed_kernel.find("extern \"C\" int " + task->name + "(") != std::string::npos);
    CHECK(task->workloads.front().hidden == false);
  }
}

TEST_CASE("the cuda backend has workloads of its own, and f16") {
  for (const std::string& name : task_names({CRUCIBLE_TASK_DIR})) {
    CAPTURE(name);
    const auto task = find_task(name, {CRUCIBLE_TASK_DIR}, "cuda");
    const auto on_cpu = find_task(name, {CRUCIBLE_TASK_DIR}, "cpu");
    std::set<DType> hidden;
    std::size_t timed = 0;
    for (const Workload& workload : task->workloads) {
      if (workload.hidden) hidden.insert(workload.dtype);
      timed += workload.timed;
      const CallLayout layout = task->generator->layout(workload);
      std::size_t bytes = 0;
      for (const StorageLayout& storage : layout.storages) bytes += storage.bytes;
      CHECK_MESSAGE(bytes <= (std::size_t{96} << 20), workload.name);
    }
    CHECK(hidden == std::set<DType>{DType::f32, DType::f16, DType::bf16});
    CHECK(timed >= 3);
    CHECK(task->workloads.front().name != on_cpu->workloads.front().name);
  }
}

TEST_CASE("the key determines every bit of an entry") {
  for (const auto& task : all_tasks())
    for (const Case& a_case : task->cases) {
      const Filled a = fill(*task, a_case), b = fill(*task, a_case), other = fill(*task, a_case, 2);
      REQUIRE(a.contents.storages == b.contents.storages);
      bool any_input = false;
      for (const ByteRanges& ranges : given_bytes(a.layout)) any_input = any_input || !ranges.empty();
      for (const Argument& argument : a.layout.arguments)  // an empty call may have nothing left to draw
        if (argument.kind == Argument::Kind::tensor && argument.tensor.element_count() == 0) any_input = false;
      if (any_input) CHECK_MESSAGE(a.contents.storages != other.contents.storages, task->name, a_case.workload->name);
    }
}

TEST_CASE("no two tensors of a call overlap, and all lie inside their storages") {
  for (const auto& task : all_tasks())
    for (const Workload& workload : task->workloads) {
      const CallLayout layout = task->generator->layout(workload);
      std::vector<std::vector<bool>> taken;
      for (const StorageLayout& storage : layout.storages) taken.emplace_back(storage.bytes, false);
      for (const Argument& argument : layout.arguments) {
        if (argument.kind != Argument::Kind::tensor) continue;
        CHECK(argument.tensor.byte_offset % size_of(argument.tensor.dtype) == 0);
        if (argument.tensor.shape.size() > 1 && argument.name != "b") CHECK(argument.tensor.strides.back() == 1);
        for (const ByteRange& range : bytes_of(argument.tensor)) {
          REQUIRE(range.end <= taken[argument.tensor.storage].size());
          auto& bytes = taken[argument.tensor.storage];
          const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(range.begin),
                     end = bytes.begin() + static_cast<std::ptrdiff_t>(range.end);
          REQUIRE(std::find(begin, end, true) == end);
          std::fill(begin, end, true);
        }
      }
    }
}

TEST_CASE("references are neither constant nor zero, and non-finite only where the family says so") {
  for (const auto& task : all_tasks())
    for (const Case& a_case : task->cases) {
      CAPTURE(task->name);
      CAPTURE(a_case.workload->name);
      CAPTURE(a_case.family);
      const Filled filled = fill(*task, a_case);
      for (const ExpectedOutput& output : task->reference->compute(filled.view())) {
        const TensorLayout& tensor = filled.layout.arguments[output.argument].tensor;
        const auto count = static_cast<std::size_t>(tensor.element_count());
        if (output.exact) {
          REQUIRE(output.bytes.size() == count * size_of(tensor.dtype));
          continue;
        }
        REQUIRE(output.value.size() == count);
        REQUIRE(output.magnitude.size() == count);
        double low = INFINITY, high = -INFINITY;
        bool finite = true;
        for (const double value : output.value) {
          finite = finite && std::isfinite(value);
          low = std::min(low, value);
          high = std::max(high, value);
        }
        CHECK((finite || a_case.family == "special_values"));
        const bool nothing_summed = a_case.workload->name == "no_depth_no_bias/bf16";  // 0 is the answer
        if (count > 8 && a_case.family != "constant" && !nothing_summed) CHECK(high > low);
      }
    }
}

TEST_CASE("block tables, lengths and positions obey the KV pool") {
  const auto task = find_task("paged_decode_attention", {CRUCIBLE_TASK_DIR});
  bool saw_one = false, saw_full = false, saw_nan = false;
  for (const Case& a_case : task->cases) {
    const Filled filled = fill(*task, a_case);
    const std::int64_t page = a_case.workload->axis("page"), width = a_case.workload->axis("W"),
                       blocks = a_case.workload->axis("B");
    const std::vector<std::int64_t> lengths = filled.integers("seq_lens"), table = filled.integers("block_table");
    std::set<std::int64_t> used;
    std::size_t needed = 0;
    for (std::size_t s = 0; s < lengths.size(); ++s) {
      REQUIRE(lengths[s] >= 1);
      REQUIRE(lengths[s] <= width * page);
      saw_one = saw_one || lengths[s] == 1;
      saw_full = saw_full || lengths[s] == width * page;
      for (std::int64_t w = 0; w * page < lengths[s]; ++w, ++needed) used.insert(table[s * width + w]);
    }
    for (const std::int64_t block : table) REQUIRE((block >= 0 && block < blocks));
    CHECK(used.size() == std::min(needed, static_cast<std::size_t>(blocks)));  // distinct while there are enough
    const std::vector<double> keys = filled.values("key_cache");
    saw_nan = saw_nan || std::any_of(keys.begin(), keys.end(), [](double x) { return std::isnan(x); });
    for (const ExpectedOutput& out : task->reference->compute(filled.view()))
      CHECK(std::all_of(out.value.begin(), out.value.end(), [](double x) { return std::isfinite(x); }));
  }
  CHECK(saw_one);
  CHECK(saw_full);
  CHECK(saw_nan);
  const auto rotary = find_task("rotary_embedding", {CRUCIBLE_TASK_DIR});
  for (const Case& a_case : rotary->cases)
    for (const std::int64_t position : fill(*rotary, a_case).integers("positions"))
      REQUIRE((position >= 0 && position < a_case.workload->axis("P")));
}

TEST_CASE("a batch holds sequences of 1, 2, 3 and 4,000 positions") {
  const auto task = find_task("paged_decode_attention", {CRUCIBLE_TASK_DIR});
  for (const Case& a_case : task->cases) {
    if (!a_case.workload->name.starts_with("ragged_4000")) continue;
    std::vector<std::int64_t> lengths = fill(*task, a_case).integers("seq_lens");
    std::sort(lengths.begin(), lengths.end());
    CHECK(lengths == std::vector<std::int64_t>{1, 2, 3, 4000});
    return;
  }
  FAIL("no such workload");
}

TEST_CASE("router logits: at least one finite a row, ties where asked, few experts favoured") {
  const auto task = find_task("topk_softmax", {CRUCIBLE_TASK_DIR});
  bool saw_tie = false, saw_masked = false;
  for (const Case& a_case : task->cases) {
    const Filled filled = fill(*task, a_case);
    const std::vector<double> logits = filled.values("logits");
    const auto experts = static_cast<std::size_t>(a_case.workload->axis("E"));
    for (std::size_t row = 0; row + experts <= logits.size(); row += experts) {
      std::vector<double> sorted(logits.begin() + row, logits.begin() + row + experts);
      std::sort(sorted.begin(), sorted.end());
      REQUIRE(std::isfinite(sorted.back()));
      for (const double logit : sorted) REQUIRE((std::isfinite(logit) || (logit < 0 && a_case.family == "masked")));
      saw_masked = saw_masked || std::isinf(sorted.front());
      if (a_case.family == "ties")
        saw_tie = saw_tie || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
    }
  }
  CHECK(saw_tie);
  CHECK(saw_masked);
}

TEST_CASE("norm weights come near one and far from it") {
  const auto task = find_task("rms_norm", {CRUCIBLE_TASK_DIR});
  bool near = false, far = false;
  for (const Case& a_case : task->cases) {
    double widest = 0;
    for (const double weight : fill(*task, a_case).values("weight")) widest = std::max(widest, std::fabs(weight - 1));
    near = near || (widest > 0.01 && widest < 0.15);
    far = far || widest > 1;
  }
  CHECK(near);
  CHECK(far);
}

TEST_CASE("permuting the declared rows permutes the reference, and negating them negates it") {
  for (const auto& task : all_tasks()) {
    if (task->symmetry == Symmetry::none) continue;
    CAPTURE(task->name);
    for (const Case& a_case : task->cases) {
      const std::int64_t rows = a_case.workload->rows;
      if (rows < 2 || a_case.workload->hidden || a_case.family == "special_values") continue;
      Filled filled = fill(*task, a_case);
      const auto before = task->reference->compute(filled.view());
      const bool negate = task->symmetry == Symmetry::permute_rows_and_negate;
      const CallContents pristine = filled.contents;
      for (const std::string& name : task->row_arguments) {
        const Argument& argument = filled.layout.arguments[filled.layout.index_of(name)];
        if (argument.tensor.access == Access::output) continue;
        // Row r becomes row rows − 1 − r.
        std::vector<std::ptrdiff_t> places;
        for_each_row(argument.tensor, [&](const TensorRow& row) {
          for (std::size_t i = 0; i < row.length; ++i)
            places.push_back(row.byte_offset + static_cast<std::ptrdiff_t>(i) * row.byte_stride);
        });
        const std::size_t part = places.size() / static_cast<std::size_t>(rows), size = size_of(argument.tensor.dtype);
        REQUIRE(part * static_cast<std::size_t>(rows) == places.size());
        auto& storage = filled.contents.storages[argument.tensor.storage];
        const auto& from = pristine.storages[argument.tensor.storage];
        for (std::size_t i = 0; i < places.size(); ++i) {
          const std::size_t source = (static_cast<std::size_t>(rows) - 1 - i / part) * part + i % part;
          std::copy_n(from.begin() + places[source], size, storage.begin() + places[i]);
          if (negate) storage[static_cast<std::size_t>(places[i]) + size - 1] ^= std::byte{0x80};
        }
      }
      const auto after = task->reference->compute(filled.view());
      for (std::size_t o = 0; o < before.size(); ++o) {
        const std::size_t count = before[o].value.size(), part = count / static_cast<std::size_t>(rows);
        std::size_t differing = 0;
        for (std::size_t i = 0; i < count; ++i) {
          const double wanted = before[o].value[(static_cast<std::size_t>(rows) - 1 - i / part) * part + i % part];
          differing += after[o].value[i] != (negate ? -wanted : wanted);
        }
        CHECK(differing == 0);
      }
    }
  }
}

}  // namespace
}  // namespace crucible
