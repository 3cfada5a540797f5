// What needs no GPU of how tasks that are not row-wise are dealt and judged: pieces that a light deal seals, and the
// numbers that the device's oracles get.

#include <doctest/doctest.h>

#include "env/backend/cuda/chain_plan.h"
#include "env/backend/cuda/task_oracle.h"
#include "env/task/task.h"

namespace crucible {
namespace {

std::shared_ptr<const Task> cuda_task(const std::string& name) {
  const std::string folder = CRUCIBLE_TASK_DIR;
  return find_task(name, {folder + "/cuda", folder}, "cuda");
}

const Workload& workload(const Task& task, const std::string& name) {
  for (const Workload& each : task.workloads)
    if (each.name == name) return each;
  throw std::out_of_range(name);
}

TEST_CASE("a transposed weight is sealed row by row of its memory") {
  const auto task = cuda_task("gemm");
  const CallLayout layout = task->generator->layout(workload(*task, "decode_16x4096x2048/f16"));
  const RowGeometry g = deal_geometry(layout, layout.index_of("b"));
  CHECK(row_geometry(layout, layout.index_of("b")).rows == 0);
  CHECK(g.rows == 4096);
  CHECK(g.width == 2048 * 2);
  CHECK(g.pitch == g.width);
}

TEST_CASE("a query between its siblings is sealed sequence by sequence, and a large cache block by block") {
  const auto task = cuda_task("paged_decode_attention");
  const CallLayout layout = task->generator->layout(workload(*task, "chat_16/bf16"));
  const RowGeometry query = deal_geometry(layout, layout.index_of("query"));
  CHECK(query.rows == 16);
  CHECK(query.width == 32 * 128 * 2);
  CHECK(query.pitch == (32 * 128 + 64) * 2);
  const RowGeometry cache = deal_geometry(layout, layout.index_of("key_cache"));
  CHECK(cache.rows == 640);
  CHECK(cache.width == 16 * 8 * 128 * 2);
}

TEST_CASE("every timed workload of every task can be planned, with something sealed and something collected") {
  const std::string folder = CRUCIBLE_TASK_DIR;
  std::uint64_t next = 1;
  const auto random = [&] { return next = next * 6364136223846793005ull + 1442695040888963407ull; };
  for (const std::string& name : task_names({folder + "/cuda", folder})) {
    const auto task = cuda_task(name);
    for (const Workload& each : task->workloads) {
      if (!each.timed) continue;
      CAPTURE(each.name);
      const CallLayout layout = task->generator->layout(each);
      ChainLimits limits;
      limits.live_bytes = 1024ull << 20;
      const ChainPlan plan = plan_chain(layout, 1e-5, limits, random);
      CHECK(plan.steps >= 6);
      CHECK(plan.dealt_rows.size() + plan.dealt_storages.size() > 0);
      CHECK(plan.collected_rows.size() + plan.collected_storages.size() > 0);
    }
  }
}

TEST_CASE("oracles get tensors by their place in the entry point, absent ones included, and scalars in order") {
  const auto task = cuda_task("rotary_embedding");
  const CallLayout layout = task->generator->layout(workload(*task, "query_alone/f16"));
  const auto oracle = TaskOracle::find(task->name, layout);
  REQUIRE(oracle);
  std::vector<OraclePlace> before(layout.arguments.size()), after(layout.arguments.size());
  before[1].base = 64;
  after[1].base = 128;
  before[4].base = 256;
  const CrucibleTaskJob job = oracle->job(before, after);
  CHECK(job.operation == CRUCIBLE_ROTARY_EMBEDDING);
  CHECK(job.before[1].base == 64);
  CHECK(job.after[1].base == 128);
  CHECK(job.before[2].base == 0);  // the key is absent
  CHECK(job.before[3].base == 256);
  CHECK(job.before[3].element == CRUCIBLE_F16);
  CHECK(job.integer[0] == 96);
  CHECK(job.integer[1] == 1);
}

TEST_CASE("of a product too large to be recomputed, rows are drawn") {
  const auto task = cuda_task("gemm");
  const auto step = [&](const std::string& name) {
    const CallLayout layout = task->generator->layout(workload(*task, name));
    const std::vector<OraclePlace> none(layout.arguments.size());
    return TaskOracle::find("gemm", layout)->job(none, none).row_step;
  };
  CHECK(step("batch_120x2304x4096/bf16") == 1);
  CHECK(step("prefill_2048x4096x4096/bf16") == 18);
  CHECK(step("no_rows/f32") == 1);
}

TEST_CASE("an oracle that cannot follow a permutation says so") {
  const auto task = cuda_task("moe_sum");
  const CallLayout layout = task->generator->layout(workload(*task, "one_expert/f32"));
  const auto oracle = TaskOracle::find(task->name, layout);
  REQUIRE(oracle);
  std::vector<OraclePlace> before(2), after(2);
  before[0].rows = 5;
  CHECK_THROWS_AS(oracle->job(before, after), std::invalid_argument);
  CHECK_THROWS_AS(oracle->job({}, {}), std::invalid_argument);
  CHECK(!TaskOracle::find("rms_norm", layout));
}

}  // namespace
}  // namespace crucible
