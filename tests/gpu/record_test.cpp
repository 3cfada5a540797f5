// What crosses from a hostile runner to the launcher, and how chains are planned. Needs no GPU.
#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <random>
#include <set>

#include "env/backend/cuda/chain_plan.h"
#include "sandbox/launcher/chain_request.h"
#include "sandbox/launcher/cubin.h"
#include "sandbox/launcher/launch_record.h"
#include "sandbox/launcher/wire.h"

using namespace crucible;

namespace {

LaunchRecord example() {
  LaunchRecord record;
  record.symbols = {"counter", "table"};
  RecordedNode kernel;
  kernel.kind = NodeKind::kernel;
  kernel.function = "_Z4fillPf";
  kernel.grid = {7, 1, 1};
  kernel.parameters = {{0, 8}, {8, 4}};
  kernel.blob.resize(12);
  kernel.attributes.push_back({1, {}});
  kernel.patches = {{0, 0, WordSource::tensor, 0, 1, 0, 16}, {1, 8, WordSource::workspace, 0, 0, 0, 0}};
  record.nodes = {kernel, {}};
  record.edges = {{RecordedEdge::kBefore, 0, 1, 0, 1}, {0, 1}, {1, RecordedEdge::kAfter}};
  record.workspaces.push_back({0x7f0000000000, std::vector<std::byte>(64), {}});
  record.globals.push_back({1, std::vector<std::byte>(16), std::vector<std::byte>(16), {{0, 8, WordSource::global}}});
  record.unexplained = 3;
  return record;
}

CallLayout two_tensors(std::int64_t rows, std::int64_t columns) {
  CallLayout layout;
  for (const Access access : {Access::output, Access::input}) {
    Argument a;
    a.name = access == Access::output ? "out" : "input";
    a.tensor.dtype = DType::bf16;
    a.tensor.access = access;
    a.tensor.storage = layout.storages.size();
    a.tensor.shape = {rows, columns};
    a.tensor.strides = {columns, 1};
    layout.arguments.push_back(a);
    layout.storages.push_back({static_cast<std::size_t>(rows * columns * 2), 64});
  }
  return layout;
}

std::function<std::uint64_t()> seeded() {
  return [random = std::mt19937_64(11)]() mutable { return random(); };
}

}  // namespace

TEST_CASE("a record survives the wire") {
  const LaunchRecord back = decode_launch_record(encode(example()));
  REQUIRE(back.nodes.size() == 2);
  CHECK(back.nodes[0].function == "_Z4fillPf");
  CHECK(back.nodes[0].patches[0].addend == 16);
  CHECK(back.edges[0].from_port == 1);
  CHECK(back.workspaces[0].base == 0x7f0000000000);
  CHECK(back.globals[0].symbol == 1);
  CHECK(back.unexplained == 3);
}

TEST_CASE("a record cut short or with a byte changed is refused or stays within its bounds") {
  const std::vector<std::byte> good = encode(example());
  for (std::size_t n = 0; n < good.size(); n += 3)
    CHECK_THROWS_AS(decode_launch_record(std::span(good).first(n)), RecordError);
  std::size_t refused = 0;
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::vector<std::byte> bad = good;
      bad[i] ^= static_cast<std::byte>(flip);
      try {
        const LaunchRecord record = decode_launch_record(bad);
        for (const RecordedNode& node : record.nodes)
          for (const WordPatch& patch : node.patches)
            if (patch.blob == 0) CHECK(patch.offset + 8 <= node.blob.size());
      } catch (const RecordError&) {
        ++refused;
      }
    }
  CHECK(refused > good.size() / 2);
}

TEST_CASE("references to what is not there are refused") {
  const auto refused = [](auto change) {
    LaunchRecord record = example();
    change(record);
    CHECK_THROWS_AS(decode_launch_record(encode(record)), RecordError);
  };
  refused([](LaunchRecord& r) { r.nodes[0].patches[0].offset = 5; });
  refused([](LaunchRecord& r) { r.nodes[0].patches[1].a = 1; });
  refused([](LaunchRecord& r) { r.nodes[0].patches[1].blob = 2; });
  refused([](LaunchRecord& r) { r.nodes[0].parameters[1].size = 5; });
  refused([](LaunchRecord& r) { r.edges[1].to = 2; });
  refused([](LaunchRecord& r) { r.globals[0].symbol = 2; });
  refused([](LaunchRecord& r) { r.globals[0].mask.pop_back(); });
  refused([](LaunchRecord& r) { r.nodes[0].patches[0].source = static_cast<WordSource>(17); });
}

TEST_CASE("bytes that are no cubin are refused") {
  std::mt19937_64 random(5);
  for (std::size_t n : {0u, 3u, 64u, 4096u}) {
    std::vector<std::byte> junk(n);
    for (std::byte& b : junk) b = static_cast<std::byte>(random());
    CHECK_THROWS(read_cubin(junk));
    if (n >= 64) {  // with a header that looks right
      const unsigned char magic[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
      std::memcpy(junk.data(), magic, sizeof magic);
      CHECK_THROWS(read_cubin(junk));
    }
  }
}

TEST_CASE("small calls are dealt whole through one slot, every key drawn on its own") {
  const CallLayout layout = two_tensors(16, 4096);
  const auto random = seeded();
  const ChainPlan plan = plan_chain(layout, 2e-6, {}, random);
  CHECK(!plan.light);
  CHECK(plan.decoys.size() >= 2);
  const std::vector<CrucibleDeal> deals = deals_of(layout, plan, random);
  REQUIRE(deals.size() == plan.steps + 1);
  std::set<std::uint64_t> keys;
  for (std::size_t i = 0; i < deals.size(); ++i) {
    keys.insert(deals[i].key);
    CHECK(deals[i].inputs == (i < plan.steps ? 1u : 0u));
    CHECK(deals[i].outputs == (i > 0 ? 1u : 0u));
    if (i < plan.steps) CHECK(deals[i].input[0].hidden + deals[i].input[0].width <= plan.sealed_bytes);
    if (i > 0) CHECK(deals[i].output[0].hidden + deals[i].output[0].width <= plan.collected_bytes);
    if (i > 0) CHECK(deals[i].previous_key == deals[i - 1].key);
  }
  CHECK(keys.size() == deals.size());
}

TEST_CASE("large calls get a cold set each, never one twice, and decoys are none of them") {
  const CallLayout layout = two_tensors(2048, 4096);
  const auto random = seeded();
  ChainPlan plan = plan_chain(layout, 14e-6, {}, random);
  CHECK(plan.light);
  CHECK(plan.live_bytes >= 3 * (50ull << 20));
  for (int round = 0; round < 3; ++round) {
    std::set<std::uint32_t> used(plan.order.begin(), plan.order.end());
    CHECK(used.size() == plan.steps);
    for (const std::uint32_t decoy : plan.decoys) CHECK(!used.contains(decoy));
    const std::vector<std::uint32_t> before = plan.order;
    shuffle(plan, random);
    CHECK(plan.order != before);
  }
  std::uint64_t end = 0;
  for (const auto& slot : plan.slots)
    for (std::size_t s = 0; s < slot.size(); ++s) {
      CHECK(slot[s] >= end + kChainRedZone);
      end = slot[s] + layout.storages[s].bytes;
    }
  CHECK(end + kChainRedZone <= plan.live_bytes);
}

TEST_CASE("secret columns are multiples of 16 inside the row and differ from key to key") {
  std::set<std::uint64_t> seen;
  for (std::uint64_t key = 1; key < 200; ++key) {
    const std::uint64_t column = crucible_column(key * 0x9E3779B97F4A7C15ull, 0, 8192);
    CHECK(column % 16 == 0);
    CHECK(column + 16 <= 8192);
    seen.insert(column);
  }
  CHECK(seen.size() > 100);
}
