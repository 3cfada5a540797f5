#include "env/archive/archive.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/novelty/compiled.h"

using namespace crucible;

namespace {

struct Folder {
  std::string path;
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "archive_test.XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

// An archive keeps what can be compared: text with a compiled form. One form serves all, for what is tested is keeping.
const std::string& compiled_form() {
  static const std::string dump = gimple_of(
      "extern \"C\" int f(float* out, const float* in, int n) { for (int i = 0; i < n; ++i) out[i] = in[i] * in[i]; "
      "return 0; }");
  return dump;
}

ArchivedKernel kernel(const std::string& name, const std::string& text) {
  ArchivedKernel out;
  out.task = "rows";
  out.name = name;
  out.backend = "cpu";
  out.source = text;
  out.features = extract_features(CpuSource{text, compiled_form(), {}, "f"});
  return out;
}

std::string text_number(int i) {
  return "int f(int a) { return a * " + std::string(static_cast<std::size_t>(i) % 7 + 1, '-') + "a; } // " +
         std::to_string(i);
}

}  // namespace

TEST_CASE("a discovery is known only after an advance, and survives a restart") {
  const Folder folder;
  const std::string path = folder.path + "/a.sqlite";
  std::string hash;
  {
    const auto archive = Archive::open(path);
    archive->add(kernel("one", "int f() { return 1; }"));
    CHECK(archive->current().epoch == 0);
    CHECK(archive->known_set(0).size() == 0);
    CHECK(archive->known_set(0, true).size() == 1);
    const ArchiveSnapshot first = archive->advance();
    CHECK(first.epoch == 1);
    CHECK(first.kernels == 1);
    CHECK(archive->advance().epoch == 1);  // nothing arrived
    archive->add(kernel("two", "int f() { return 2 + 2; }"));
    CHECK(archive->known_set(1).size() == 1);
    hash = archive->advance().hash;
  }
  const auto again = Archive::open(path);
  CHECK(again->current().epoch == 2);
  CHECK(again->current().hash == hash);
  CHECK(again->known_set(2).hash() == hash);
  CHECK(again->known_set(1).hash() != hash);
  CHECK(again->difference(1, 2).added == std::vector<std::string>{"rows/two"});
  CHECK(again->difference(2, 1).removed == std::vector<std::string>{"rows/two"});
  CHECK_THROWS_AS(again->known_set(9), std::invalid_argument);
}

TEST_CASE("the same source is kept once, with its better speedup; a taken name is refused") {
  const auto archive = Archive::open(":memory:");
  ArchivedKernel one = kernel("one", "int f() { return 1; }");
  one.speedup = 1.5;
  const auto id = archive->add(one);
  one.name = "renamed";
  one.speedup = 2.0;
  CHECK(archive->add(one) == id);
  REQUIRE(archive->list().size() == 1);
  CHECK(archive->list()[0].name == "one");
  CHECK(archive->list()[0].speedup == 2.0);
  CHECK_THROWS_AS(archive->add(kernel("one", "int f() { return 3; }")), std::invalid_argument);
  CHECK(archive->find("rows", "one").has_value());
  CHECK_FALSE(archive->find("rows", "none").has_value());
  CHECK(archive->remove("rows", "one"));
  CHECK_FALSE(archive->remove("rows", "one"));
}

TEST_CASE("what cannot be compared is not archived") {
  const auto archive = Archive::open(":memory:");
  ArchivedKernel broken = kernel("broken", "int f() { return 1; }");
  broken.features.failure = "too large";
  CHECK_THROWS_AS(archive->add(broken), std::invalid_argument);
  CHECK(archive->list().empty());
}

TEST_CASE("export and import carry everything, twice the same") {
  const auto from = Archive::open(":memory:");
  ArchivedKernel one = kernel("one", "int f() { return \"\xc3\xa9\\n\"[0]; }");
  one.speedup = 1.25;
  one.device = "a cpu";
  from->add(one);
  from->add(kernel("two", "int f() { return 2; }"));
  from->advance();
  const auto to = Archive::open(":memory:");
  CHECK(to->import_json(from->export_json()) == 2);
  CHECK(to->import_json(from->export_json()) == 0);
  CHECK(to->known_set(0, true).hash() == from->known_set(1).hash());
  REQUIRE(to->list().size() == 2);
  CHECK(to->list()[0].speedup == 1.25);
  CHECK(to->list()[0].source == one.source);
  CHECK_THROWS_AS(to->import_json("{}"), std::runtime_error);
  std::string torn = from->export_json();
  CHECK_THROWS_AS(to->import_json(torn.substr(0, torn.size() / 2)), std::runtime_error);
}

TEST_CASE("concurrent writers lose nothing") {
  const Folder folder;
  const std::string path = folder.path + "/a.sqlite";
  Archive::open(path);
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w)
    writers.emplace_back([&, w] {
      const auto mine = Archive::open(path);
      for (int i = 0; i < 10; ++i) {
        mine->add(kernel("", text_number(w * 10 + i)));
        if (i % 5 == 4) mine->advance();
      }
    });
  for (std::thread& writer : writers) writer.join();
  const auto archive = Archive::open(path);
  CHECK(archive->list().size() == 40);
  archive->advance();
  CHECK(archive->known_set(archive->current().epoch).size() == 40);
  CHECK(archive->known_set(archive->current().epoch).hash() == archive->current().hash);
}

TEST_CASE("a file that is something else is refused, by name") {
  const Folder folder;
  const std::string path = folder.path + "/notes.txt";
  std::ofstream(path) << "just some notes, longer than a header of a database would be ............................";
  CHECK_THROWS_WITH_AS(Archive::open(path), doctest::Contains("notes.txt"), std::runtime_error);
}
