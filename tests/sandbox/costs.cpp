// What the sandbox costs on this host: run by hand on a quiet machine (it checks nothing).
// Prints the 10th, 50th and 90th percentile of each cost. CRUCIBLE_LIBEXEC names the folder of the helpers.

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <vector>

#include "rig.h"

namespace {

using namespace crucible;
using namespace crucible::test;
using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

const char* const kSource =
    "#include <crucible/kernel.h>\n#include <cmath>\n"
    "extern \"C\" int act(DLTensor* out, long n, void*) {\n"
    "  float* o = static_cast<float*>(out->data);\n"
    "  for (long i = 0; i < n; ++i) o[i] = std::sqrt(o[i] + i);\n  return 0;\n}\n";

double timed(const std::function<void()>& work) {
  const auto begun = Clock::now();
  work();
  return Microseconds(Clock::now() - begun).count();
}

void show(const char* what, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](std::size_t percent) { return values[(values.size() - 1) * percent / 100]; };
  std::printf("%-40s %10.2f %10.2f %10.2f us\n", what, at(10), at(50), at(90));
}

void compilation() {
  const CompileRequest request = request_for(kSource, "act");
  std::ofstream("/tmp/crucible-costs.cpp") << kSource;
  std::string plain_command;
  for (const std::string& argument : request.arguments) plain_command += argument + " ";
  plain_command += "-I" + libexec_directory() + "/../_include -o /tmp/crucible-costs.so /tmp/crucible-costs.cpp";
  std::vector<double> jailed, plain;
  for (int i = 0; i < 10; ++i) {
    jailed.push_back(timed([&] { warden()->compile(request); }));
    plain.push_back(timed([&] {
      if (std::system(plain_command.c_str()) != 0) std::puts("plain g++ failed");
    }));
  }
  show("compile in its jail", jailed);
  show("the same g++ without a jail", plain);
}

void runners(const CompileResult& compiled) {
  std::vector<double> started, ready, stop, finish;
  for (int i = 0; i < 20; ++i) {
    std::unique_ptr<Rig> rig;
    const auto begun = Clock::now();
    rig = std::make_unique<Rig>(compiled.artifact.get());
    started.push_back(Microseconds(Clock::now() - begun).count());
    rig->await_ready();
    ready.push_back(Microseconds(Clock::now() - begun).count());
    for (int round = 0; round < 20; ++round) {
      stop.push_back(timed([&] { rig->runner->stop(); }));
      rig->runner->resume();
    }
    finish.push_back(timed([&] { rig->runner->finish(); }));
  }
  show("spawn to started", started);
  show("spawn to ready (1 MiB arena)", ready);
  show("stop to acknowledged", stop);
  show("finish to reaped", finish);
}

void null_steps(const CompileResult& compiled) {
  cpu_set_t all, own;
  ::sched_getaffinity(0, sizeof all, &all);
  CPU_ZERO(&own);
  CPU_SET(0, &own);
  Rig rig(compiled.artifact.get());  // may use every core; the judge keeps to its own
  rig.await_ready();
  ::sched_setaffinity(0, sizeof own, &own);
  rig.page->parked = 0;
  rig.page->operation = static_cast<std::uint32_t>(RunnerOperation::nothing);
  constexpr int kSteps = 1000;
  std::vector<double> each;
  for (int batch = 0; batch < 200; ++batch) {
    const double whole = timed([&] {
      for (int i = 0; i < kSteps; ++i) {
        const std::uint32_t go = rig.page->done.load(std::memory_order_relaxed) + 1;
        rig.page->go.store(go, std::memory_order_release);
        while (rig.page->done.load(std::memory_order_acquire) != go) {
        }
      }
    });
    each.push_back(whole / kSteps);
  }
  ::sched_setaffinity(0, sizeof all, &all);
  show("null step, both sides spinning", each);
}

}  // namespace

int main() {
  std::vector<double> launch;
  for (int i = 0; i < 10; ++i) launch.push_back(timed([] { Warden::launch({}); }));
  std::printf("level %s; percentiles 10, 50, 90\n", warden()->isolation().level.c_str());
  show("warden launched and gone", launch);
  compilation();
  const CompileResult compiled = warden()->compile(request_for(kSource, "act"));
  runners(compiled);
  null_steps(compiled);
}
