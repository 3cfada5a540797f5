#include "tests/gpu/fixture.h"

#include <fcntl.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>

#include "env/judge/deal.h"
#include "env/task/element.h"

namespace crucible::gpu_test {
namespace {

std::string from_environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

Argument tensor(const char* name, DType dtype, Access access, std::size_t storage, std::vector<std::int64_t> shape) {
  Argument a;
  a.name = name;
  a.tensor.dtype = dtype;
  a.tensor.access = access;
  a.tensor.storage = storage;
  a.tensor.strides.resize(shape.size());
  std::int64_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0; stride *= shape[i]) a.tensor.strides[i] = stride;
  a.tensor.shape = std::move(shape);
  return a;
}

}  // namespace

std::string libexec() { return from_environment("CRUCIBLE_LIBEXEC", "."); }
std::string fixtures() { return from_environment("CRUCIBLE_GPU_FIXTURES", CRUCIBLE_GPU_FIXTURES_BUILT); }

std::vector<std::byte> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const auto* at = reinterpret_cast<const std::byte*>(bytes.data());
  return {at, at + bytes.size()};
}

CallLayout rms_norm_layout(DType dtype, std::int64_t rows, std::int64_t columns) {
  CallLayout layout;
  layout.arguments.push_back(tensor("out", dtype, Access::output, 0, {rows, columns}));
  layout.arguments.push_back(tensor("input", dtype, Access::input, 1, {rows, columns}));
  layout.arguments.push_back(tensor("weight", dtype, Access::input, 2, {columns}));
  Argument epsilon;
  epsilon.name = "epsilon";
  epsilon.kind = Argument::Kind::float64;
  epsilon.real = 1e-6;
  layout.arguments.push_back(epsilon);
  const std::size_t row = static_cast<std::size_t>(columns) * size_of(dtype);
  layout.storages = {{row * static_cast<std::size_t>(rows), 64}, {row * static_cast<std::size_t>(rows), 64}, {row, 64}};
  return layout;
}

std::vector<CallContents> rms_norm_entries(const CallLayout& layout, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  // A table of deviates: drawing each anew would dominate the test's time.
  std::normal_distribution<double> normal;
  std::vector<double> table(65536);
  for (double& v : table) v = normal(random);
  std::vector<CallContents> entries(count);
  for (CallContents& entry : entries) {
    entry.storages.resize(layout.storages.size());
    for (std::size_t s = 0; s < layout.storages.size(); ++s) entry.storages[s].resize(layout.storages[s].bytes);
    for (const std::size_t argument : {std::size_t{1}, std::size_t{2}}) {
      const TensorLayout& t = layout.arguments[argument].tensor;
      std::byte* at = entry.storages[t.storage].data();
      const std::size_t size = size_of(t.dtype);
      for (std::int64_t i = 0; i < t.element_count(); ++i) {
        const std::uint64_t draw = random();
        const double v = table[draw & 0xffff] * (1 + static_cast<double>(draw >> 60) / 16);
        store_element(t.dtype, at + static_cast<std::size_t>(i) * size, argument == 1 ? v : 1 + 0.02 * v);
      }
    }
  }
  return entries;
}

RecordedFixture::RecordedFixture(JudgeDevice& device, const std::string& name, const CallLayout& layout,
                                 const CallContents& contents) {
  using std::chrono::milliseconds;
  constexpr std::size_t kSets = 3;
  std::size_t set_bytes = 1 << 20;
  for (const StorageLayout& s : layout.storages) set_bytes += (s.bytes + 511) / 512 * 512 + (64 << 10);
  const FileDescriptor artifact(::open((fixtures() + "/" + name + ".so").c_str(), O_RDONLY | O_CLOEXEC));
  if (!artifact) throw std::runtime_error("no fixture " + name);
  cubin = read_file(fixtures() + "/" + name + ".cubin");
  runner = std::make_unique<
      RunnerSide>(device, kSets * set_bytes, kSets, [&](const WorkerControl& control, int arena, int memory) {
    return spawn_worker(libexec() + "/crucible-runner-cuda", {"3", "4", "5"}, {control.descriptor(), arena, memory});
  });
  started = runner->wait_ready(milliseconds(20000));
  if (started.ok()) started = runner->load(artifact.get(), "rms_norm", milliseconds(5000));
  if (!started.ok()) return;
  std::size_t at = 4096;
  for (std::uint32_t set = 0; set < kSets; ++set) {
    Slot slot;
    for (std::size_t s = 0; s < layout.storages.size(); ++s) {
      at += 512 * (1 + unguessable() % 64);
      slot.storages.push_back(at);
      runner->write(at, contents.storages[s]);
      at += (layout.storages[s].bytes + 511) / 512 * 512 + 4096;
    }
    runner->call(set) = prepare_call(layout, slot, set == 1);
  }
  eager = runner->perform(0, milliseconds(1000));
  if (!eager.ok()) return;
  const auto begin = std::chrono::steady_clock::now();
  record = runner->record(cubin, {0, 1, 2}, milliseconds(5000), recorded);
  record_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace crucible::gpu_test
