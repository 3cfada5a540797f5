#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "env/archive/archive.h"
#include "env/config_error.h"
#include "env/novelty_stage.h"
#include "tests/novelty/compiled.h"

/// The life of a discovery: paid and archived, known to nobody, advanced, known to everybody.
using namespace crucible;

namespace {

const std::string kFound = R"(
extern "C" int f(float* out, const float* in, long n) {
  for (long i = 0; i < n; ++i) { const float x = in[i]; out[i] = x > 0 ? x * x + 0.5f * x : x / (1 - x); }
  for (long i = 1; i < n; ++i) out[i] += out[i - 1];
  return 0;
})";

/// The same, as another sample of the same group writes it.
const std::string kCopied = R"(
extern "C" int f(float* y, const float* v, long count) {
  long k = 0;
  while (k < count) { float a = v[k]; if (a > 0) y[k] = a * 0.5f + a * a; else y[k] = a / (1 - a); k++; }
  for (k = 1; k < count; k++) y[k] = y[k - 1] + y[k];
  return 0;
})";

struct Folder {
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "discovery_test.XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

/// What a judge and the analyser say of a correct kernel that is `lower` times as fast as production.
Evaluation judged(const NoveltyFacts& novelty, double lower) {
  Evaluation facts;
  facts.verdict = Verdict::correct;
  facts.backend = "cpu";
  facts.device = "a device";
  facts.speedup = Speedup{};
  facts.speedup->estimate = lower * 1.1;
  facts.speedup->lower = lower;
  facts.speedup->upper = lower * 1.2;
  facts.speedup->pairs = 32;
  facts.novelty = novelty;
  return facts;
}

const WardenSource kNoWarden = []() -> std::shared_ptr<Warden> {
  FAIL("nothing needs to be compiled here");
  return nullptr;
};

}  // namespace

TEST_CASE("within one snapshot all samples are paid by the same archive; after it advances they are copies") {
  const Folder folder;
  const std::string path = folder.path + "/new/archive.sqlite";
  NoveltyStage stage("cpu", "", folder.path + "/features", Toolchain{}, path, "a device");
  Task task;
  task.name = "t";
  const KernelFeatures found = compiled(kFound), copied = compiled(kCopied);

  const NoveltyFacts first = stage.assess(task, found, kNoWarden, {});
  REQUIRE(first.score);
  CHECK(*first.score == 1);
  CHECK(stage.discover(task, kFound, found, judged(first, 1.5)));
  const NoveltyFacts sibling = stage.assess(task, copied, kNoWarden, {});
  CHECK(*sibling.score == 1);
  CHECK(sibling.snapshot == first.snapshot);
  CHECK(stage.discover(task, kCopied, copied, judged(sibling, 1.2)));

  const ArchiveSnapshot advanced = Archive::open(path)->advance();
  CHECK(advanced.kernels == 2);
  const NoveltyFacts again = stage.assess(task, copied, kNoWarden, {});
  CHECK(*again.score == 0);
  CHECK(again.similarity > 0.95);
  CHECK(again.snapshot != first.snapshot);
  CHECK(again.best_known == doctest::Approx(1.65));
  CHECK_FALSE(stage.discover(task, kCopied + " ", copied, judged(again, 1.5)));

  // Another process, a year later.
  NoveltyStage other("cpu", "", folder.path + "/features", Toolchain{}, path, "another device");
  const NoveltyFacts later = other.assess(task, found, kNoWarden, {});
  CHECK(*later.score == 0);
  CHECK(later.snapshot != "");
  CHECK_FALSE(later.best_known);  // measured elsewhere
}

TEST_CASE("slow, wrong and unmeasured kernels are no discoveries, and poison nothing") {
  const Folder folder;
  const std::string path = folder.path + "/archive.sqlite";
  NoveltyStage stage("cpu", "", folder.path + "/features", Toolchain{}, path);
  Task task;
  task.name = "t";
  const KernelFeatures found = compiled(kFound);
  const NoveltyFacts facts = stage.assess(task, found, kNoWarden, {});
  CHECK_FALSE(stage.discover(task, kFound, found, judged(facts, 0.9)));
  Evaluation wrong = judged(facts, 2);
  wrong.verdict = Verdict::wrong_result;
  CHECK_FALSE(stage.discover(task, kFound, found, wrong));
  Evaluation withheld = judged(facts, 2);
  withheld.speedup->withheld = true;
  CHECK_FALSE(stage.discover(task, kFound, found, withheld));
  KernelFeatures failed = found;
  failed.failure = "too large";
  CHECK_FALSE(stage.discover(task, kFound, failed, judged(facts, 2)));
  CHECK(Archive::open(path)->list().empty());
}

TEST_CASE("no archive, nothing discovered; a wrong one is refused at once") {
  const Folder folder;
  ::setenv("XDG_DATA_HOME", folder.path.c_str(), 1);
  NoveltyStage stage("cpu", "", folder.path + "/features", Toolchain{});
  Task task;
  task.name = "t";
  const KernelFeatures found = compiled(kFound);
  CHECK_FALSE(stage.discover(task, kFound, found, judged(stage.assess(task, found, kNoWarden, {}), 2)));
  std::ofstream(folder.path + "/text.sqlite") << "this is no database, whatever its name may be, and it is long enough";
  CHECK_THROWS_AS(NoveltyStage("cpu", "", folder.path, Toolchain{}, folder.path + "/text.sqlite"), ConfigError);
}
