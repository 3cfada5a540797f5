#include "tests/novelty/compiled.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace crucible {

std::string gimple_of(const std::string& text) {
  std::string pattern = (std::filesystem::temp_directory_path() / "novelty_test.XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  std::ofstream(folder / "candidate.cpp") << text;
  const std::string command = "cd '" + folder.string() +
                              "' && g++ -std=c++20 -O3 -march=x86-64-v3 -fopenmp -fPIC -w -S -o /dev/null "
                              "-fdump-tree-lim2-lineno=dump candidate.cpp 2> errors";
  const int status = std::system(command.c_str());
  std::ifstream file(folder / (status == 0 ? "dump" : "errors"));
  std::ostringstream out;
  out << file.rdbuf();
  std::filesystem::remove_all(folder);
  if (status != 0) throw std::runtime_error("the test's kernel does not compile: " + out.str());
  return out.str();
}

KernelFeatures compiled(const std::string& text) {
  const std::string dump = gimple_of(text);
  return extract_features(CpuSource{text, dump, {}, "f"});
}

KnownSet only(const std::string& name, const std::string& text) {
  KnownKernel kernel;
  kernel.name = name;
  kernel.task = "t";
  kernel.features = compiled(text);
  return KnownSet({kernel});
}

}  // namespace crucible
