#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "rig.h"

using namespace crucible;
using namespace crucible::test;

/// What ThreadSanitizer looks at: threads that share one client, whose answers arrive in any order.
TEST_CASE("threads share a warden's client, and each gets the answer to its own question") {
  constexpr int kThreads = 6;
  const auto shared = Warden::launch({});
  std::atomic<int> right{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      const std::string name = "act" + std::to_string(t);
      const std::string text = "extern \"C\" int " + name + "() { return missing" + std::to_string(t) + "; }\n";
      const CompileResult result = shared->compile(request_for(text, name));
      if (result.diagnostics.find("missing" + std::to_string(t)) != std::string::npos) ++right;
      shared->freeze_compilations(false);
      if (!shared->isolation().level.empty()) ++right;
    });
  threads.clear();
  CHECK(right == 2 * kThreads);
}

TEST_CASE("a compile that is cancelled from another thread lets the others go on") {
  const auto shared = Warden::launch({});
  std::stop_source stop;
  std::atomic<bool> cancelled{false}, done{false};
  std::jthread victim([&] {
    const std::string endless =
        "constexpr long f(long n) { return n < 2 ? n : f(n - 1) + f(n - 2); }\n"
        "static_assert(f(60) > 0);\n";
    try {
      shared->compile(request_for(endless, "act"), stop.get_token());
    } catch (const Cancelled&) {
      cancelled = true;
    }
  });
  std::jthread other([&] {
    done = shared->compile(request_for("extern \"C\" int act() { return 0; }\n", "act")).status ==
           CompileResult::Status::ok;
  });
  other.join();
  stop.request_stop();
  victim.join();
  CHECK(done);
  CHECK(cancelled);
}
