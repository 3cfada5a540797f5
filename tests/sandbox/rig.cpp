#include "rig.h"

#include <sys/mman.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "sandbox/sealed_memory.h"

namespace crucible::test {
namespace {

constexpr std::size_t kControlBytes = kCallTableOffset + 4 * sizeof(PreparedCall);
constexpr std::size_t kArenaBytes = 1u << 20;

}  // namespace

std::shared_ptr<Warden> warden(const std::string& level) {
  static std::map<std::string, std::shared_ptr<Warden>> wardens;
  std::shared_ptr<Warden>& known = wardens[level];
  if (!known) {
    if (!level.empty()) ::setenv("CRUCIBLE_SANDBOX_LEVEL", level.c_str(), 1);
    known = Warden::launch({});
    ::unsetenv("CRUCIBLE_SANDBOX_LEVEL");
  }
  return known;
}

std::string program_text(const std::string& file) {
  std::ifstream stream(std::string(CRUCIBLE_PROGRAMS) + "/" + file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

CompileRequest request_for(const std::string& source, const std::string& entry_point) {
  CompileRequest request;
  request.source = source;
  request.entry_point = entry_point;
  request.arguments = {"g++", "-std=c++20", "-O1", "-march=native", "-fopenmp", "-fPIC", "-shared"};
  return request;
}

const CompileResult& program(const std::string& file) {
  static std::map<std::string, CompileResult> compiled;
  const auto known = compiled.find(file);
  if (known != compiled.end()) return known->second;
  return compiled.emplace(file, warden()->compile(request_for(program_text(file), "act"))).first->second;
}

Rig::Rig(int artifact, const std::string& level, std::map<std::string, std::string> environment,
         std::shared_ptr<Warden> own, const std::string& plugin) {
  control_ = shared_memory("control", kControlBytes);
  arena_ = shared_memory("arena", kArenaBytes);
  page =
      static_cast<ControlPage*>(::mmap(nullptr, kControlBytes, PROT_READ | PROT_WRITE, MAP_SHARED, control_.get(), 0));
  arena = static_cast<float*>(::mmap(nullptr, kArenaBytes, PROT_READ | PROT_WRITE, MAP_SHARED, arena_.get(), 0));
  page->call_capacity = 4;
  PreparedCall& call = call_table(page)[0];
  call.argument_count = 3;
  CallArgument& out = call.arguments[0];
  out.kind = ArgumentKind::tensor;
  out.dtype_code = 2;
  out.dtype_bits = 32;
  out.ndim = 1;
  out.shape[0] = 1024;
  out.strides[0] = 1;
  call.arguments[1].kind = ArgumentKind::int64;
  call.arguments[2].kind = ArgumentKind::stream;
  RunnerRequest request;
  request.artifact = artifact;
  request.path = plugin;
  if (!plugin.empty()) request.profile = RunnerProfile::baseline;
  request.entry_point = "act";
  request.control = control_.get();
  request.arena = arena_.get();
  request.memory_bytes = 2ull << 30;
  request.environment = std::move(environment);
  page->parked = 1;  // tests share few cores
  runner = (own ? own : warden(level))->spawn_runner(request);
}

Rig::~Rig() {
  runner.reset();
  ::munmap(page, kControlBytes);
  ::munmap(arena, kArenaBytes);
}

bool Rig::await_ready(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (page->state.load() == static_cast<std::uint32_t>(RunnerState::starting)) {
    if (runner->ended() || std::chrono::steady_clock::now() > deadline) break;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return page->state.load() == static_cast<std::uint32_t>(RunnerState::ready);
}

bool Rig::step(RunnerOperation operation, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  page->operation = static_cast<std::uint32_t>(operation);
  page->call = 0;
  const std::uint32_t go = page->done.load() + 1;
  page->go.store(go);  // the runner looks again at least every 20 ms
  while (page->done.load() != go) {
    if (runner->ended() || std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return true;
}

bool Rig::call(std::int64_t which, std::chrono::milliseconds patience) {
  call_table(page)[0].arguments[1].integer = which;
  return step(RunnerOperation::call, patience);
}

Outcome run_act(const CompileResult& compiled, std::int64_t which, const std::string& level,
                std::chrono::milliseconds patience, std::shared_ptr<Warden> own) {
  Rig rig(compiled.artifact.get(), level, {}, std::move(own));
  Outcome outcome;
  outcome.loaded = rig.await_ready();
  if (outcome.loaded) outcome.returned = rig.call(which, patience);
  outcome.code = rig.page->return_code;
  outcome.threw = rig.page->threw != 0;
  outcome.message = rig.page->message;
  outcome.fate = rig.runner->finish();
  outcome.findings = rig.runner->findings();
  outcome.output = rig.runner->output();
  return outcome;
}

bool has_finding(const Outcome& outcome, const std::string& kind, bool conclusive) {
  for (const JailFinding& finding : outcome.findings)
    if (finding.kind == kind && finding.conclusive == conclusive) return true;
  return false;
}

bool accused(const Outcome& outcome) {
  for (const JailFinding& finding : outcome.findings)
    if (finding.conclusive) return true;
  return false;
}

}  // namespace crucible::test
