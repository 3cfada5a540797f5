// What the dealt chain pays honest kernels and known breaks of rms_norm, on one GPU. Prints one row per kernel and
// size: the median marginal time by the judge's clock and by device events, and how the outputs were judged.
//
//   chain_bench [pairs] [rows…]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/gpu/fixture.h"

namespace crucible::gpu_test {
namespace {

using std::chrono::milliseconds;

double quantile(std::vector<double> v, double q) {
  if (v.empty()) return 0;
  std::sort(v.begin(), v.end());
  return v[std::min(v.size() - 1, static_cast<std::size_t>(q * static_cast<double>(v.size())))];
}

struct Row {
  std::string name;
  std::unique_ptr<ChainSide> side;
  std::string refused;
  std::vector<double> clock_us, events_us;  // of whole chains
  std::string wrong;
  double eta = 0;
  double record_ms = 0, open_ms = 0, sample_ms = 0;
};

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void measure(JudgeDevice& device, std::int64_t rows, int pairs) {
  const CallLayout layout = rms_norm_layout(DType::bf16, rows, 4096);
  const double bytes = static_cast<double>(rows) * 4096 * 4;
  const std::size_t entries = bytes < 1e6 ? 64 : 3;
  const std::vector<CallContents> contents = rms_norm_entries(layout, entries, 7);
  std::vector<const CallContents*> pointers;
  for (const CallContents& c : contents) pointers.push_back(&c);
  const DevicePool pool(device, layout, Symmetry::permute_rows_and_negate, pointers);
  const std::optional<RowOracle> oracle = row_oracle("rms_norm", layout);
  const ChainPlan plan = plan_chain(layout, bytes / 2.8e12 + 2e-6, {}, unguessable);
  std::printf("## rms_norm %lld x 4096 bf16: %s deals, n = %zu, live %.2f GiB\n", static_cast<long long>(rows),
              plan.light ? "light" : "full", plan.steps, static_cast<double>(plan.live_bytes) / (1ull << 30));
  std::vector<Row> table;
  const auto open = [&](const std::string& name, const ChainSubject& subject, double record_ms) {
    Row row;
    row.name = name;
    row.record_ms = record_ms;
    const double begin = now_ms();
    row.side = std::make_unique<ChainSide>(device, pool, oracle, plan, libexec() + "/crucible-launcher");
    row.refused = row.side->open(subject, milliseconds(20000));
    row.open_ms = now_ms() - begin;
    table.push_back(std::move(row));
  };
  open("(no kernel)", {ChainKernel::none, {}, {}, {}, {}}, 0);
  open("null kernel", {ChainKernel::null, {}, {}, {}, {}}, 0);
  const auto candidate = [&](const std::string& name, const std::string& fixture) {
    RecordedFixture f(device, fixture, layout, contents[0]);
    for (const WorkerOutcome* o : {&f.started, &f.eager, &f.recorded})
      if (!o->ok()) {
        std::printf("   %-22s runner: status %d, returned %d: %s\n", name.c_str(), static_cast<int>(o->status),
                    o->return_code, o->message.c_str());
        return;
      }
    if (!f.record.not_replayable.empty()) {
      std::printf("   %-22s not replayable: %s\n", name.c_str(), f.record.not_replayable.c_str());
      return;
    }
    std::size_t patches = 0, programmatic = 0;
    for (const RecordedNode& n : f.record.nodes) patches += n.patches.size();
    for (const RecordedEdge& e : f.record.edges) programmatic += e.type != 0;
    std::printf(
        "   %-22s recorded: %zu nodes, %zu edges (%zu programmatic), %zu patches, %zu globals of %zu, %zu workspaces, "
        "%u unexplained\n",
        name.c_str(), f.record.nodes.size(), f.record.edges.size(), programmatic, patches, f.record.globals.size(),
        f.record.symbols.size(), f.record.workspaces.size(), f.record.unexplained);
    open(name, f.subject(), f.record_ms);
  };
  candidate("honest", "honest");
  candidate("honest again", "honest");
  open("honest, in process", {ChainKernel::plugin, {}, {}, fixtures() + "/honest.so", "rms_norm"}, 0);
  candidate("programmatic", "programmatic");
  open("programmatic, in pr.", {ChainKernel::plugin, {}, {}, fixtures() + "/programmatic.so", "rms_norm"}, 0);
  candidate("two kernels", "two_kernels");
  candidate("workspace and fork", "workspace_fork");
  candidate("cluster", "cluster");
  candidate("BREAK missing wait", "missing_wait");
  candidate("BREAK two at once", "two_at_once");
  candidate("BREAK prefetch next", "prefetch_next");
  candidate("BREAK stray write", "stray_write");
  candidate("BREAK side stream", "side_stream");
  for (int pair = 0; pair <= pairs; ++pair)
    for (Row& row : table) {
      if (!row.refused.empty()) continue;
      const double begin = now_ms();
      const ChainSample s = row.side->sample(2.0, true, true);
      row.sample_ms = now_ms() - begin;
      row.eta = std::max(row.eta, s.largest_eta);
      if (!s.failure.empty()) {
        row.refused = s.failure;
        continue;
      }
      const bool no_output = row.name == "(no kernel)" || row.name == "null kernel";
      if (!no_output && row.wrong.empty() && !s.ok()) row.wrong = s.wrong.empty() ? s.tampered : s.wrong;
      if (pair == 0) continue;  // the first chain of a launcher loads what is loaded lazily
      row.clock_us.push_back(static_cast<double>(s.time.count()) * 1e-3);
      row.events_us.push_back(s.event_ns * 1e-3);
    }
  const double n = static_cast<double>(plan.steps);
  for (const Row& row : table) {
    if (!row.refused.empty()) {
      std::printf("   %-22s refused: %s\n", row.name.c_str(), row.refused.c_str());
      continue;
    }
    std::vector<double> clock, events;
    for (std::size_t i = 0; i < row.clock_us.size() && i < table[0].clock_us.size(); ++i) {
      clock.push_back((row.clock_us[i] - table[0].clock_us[i]) / n);
      events.push_back((row.events_us[i] - table[0].events_us[i]) / n);
    }
    if (&row == &table[0]) {
      std::printf(
          "   %-22s deals alone %.3f us each (p10 %.3f p90 %.3f), by events %.3f; sample %.1f ms, open %.0f ms\n",
          row.name.c_str(), quantile(row.clock_us, .5) / n, quantile(row.clock_us, .1) / n,
          quantile(row.clock_us, .9) / n, quantile(row.events_us, .5) / n, row.sample_ms, row.open_ms);
      continue;
    }
    std::printf(
        "   %-22s paid p50 %8.3f us (p10 %8.3f p90 %8.3f) events %8.3f | eta %.3g | rec %.1f open %.0f sample %.1f ms "
        "| %s\n",
        row.name.c_str(), quantile(clock, .5), quantile(clock, .1), quantile(clock, .9), quantile(events, .5), row.eta,
        row.record_ms, row.open_ms, row.sample_ms, row.wrong.empty() ? "right" : row.wrong.c_str());
  }
  std::fflush(stdout);
}

/// Faults on the device: each costs one runner; what matters is that the next is well, and soon.
void faults(JudgeDevice& device) {
  const CallLayout layout = rms_norm_layout(DType::bf16, 16, 4096);
  const std::vector<CallContents> contents = rms_norm_entries(layout, 1, 7);
  for (const char* name : {"endless", "illegal_address"}) {
    RecordedFixture f(device, name, layout, contents[0]);
    const double begin = now_ms();
    const std::string end = f.runner->worker().process().finish();
    const double killed = now_ms() - begin;
    RecordedFixture next(device, "honest", layout, contents[0]);
    std::printf("   fault %-16s status %d %s | %s after %.0f ms; next runner %s, after %.0f ms more\n", name,
                static_cast<int>(f.eager.status), f.eager.message.c_str(), end.c_str(), killed,
                next.eager.ok() ? "well" : next.eager.message.c_str(), now_ms() - begin - killed);
  }
  std::fflush(stdout);
}

}  // namespace
}  // namespace crucible::gpu_test

int main(int argc, char** argv) {
  using namespace crucible;
  std::string why;
  if (!cuda_available(&why)) {
    std::printf("skipped: %s\n", why.c_str());
    return 0;
  }
  try {
    JudgeDevice device(0);
    std::printf("%s %s, driver pageable access %d\n", device.context().name().c_str(), device.context().uuid().c_str(),
                device.context().attribute(CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS));
    const int pairs = argc > 1 ? std::atoi(argv[1]) : 8;
    std::vector<std::int64_t> sizes;
    for (int i = 2; i < argc; ++i) sizes.push_back(std::atoll(argv[i]));
    if (sizes.empty()) sizes = {1, 16, 128, 512, 2048, 16384};
    for (const std::int64_t rows : sizes) gpu_test::measure(device, rows, pairs);
    gpu_test::faults(device);
  } catch (const std::exception& error) {
    std::printf("failed: %s\n", error.what());
    return 1;
  }
  return 0;
}
