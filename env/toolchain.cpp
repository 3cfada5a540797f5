#include "env/toolchain.h"

#include <boost/process.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "env/config_error.h"
#include "env/sha256.h"
#include "sandbox/compile/cuda/cuda_compile.h"

namespace crucible {
namespace {

namespace bp = boost::process;

std::string first_line_of(const std::string& program, const std::string& argument) {
  bp::ipstream out;
  bp::child child(program, argument, bp::std_out > out, bp::std_err > bp::null, bp::std_in < bp::null);
  std::string line;
  std::getline(out, line);
  child.wait();
  return child.exit_code() == 0 ? line : "";
}

}  // namespace

Toolchain cpu_toolchain() {
  std::string compiler;
  if (const char* configured = std::getenv("CRUCIBLE_CXX"); configured != nullptr && *configured != '\0') {
    compiler = configured;
  } else {
    compiler = bp::search_path("g++").string();
  }
  if (compiler.empty() || !std::filesystem::exists(compiler))
    throw ConfigError("no C++ compiler: install g++, or set CRUCIBLE_CXX to one (it is '" + compiler + "')");
  Toolchain toolchain;
  toolchain.arguments = {compiler, "-std=c++20", "-O3", "-march=native", "-fopenmp", "-fPIC", "-shared"};
  toolchain.version = "g++ " + first_line_of(compiler, "-dumpfullversion");
  return toolchain;
}

Toolchain cuda_toolchain() {
  const std::string nvcc = find_nvcc();
  if (nvcc.empty()) throw ConfigError("no CUDA compiler: install the CUDA Toolkit, or set CRUCIBLE_NVCC to nvcc");
  Toolchain toolchain;
  toolchain.arguments = {nvcc};
  bp::ipstream out;
  bp::child child(nvcc, "--version", bp::std_out > out, bp::std_err > bp::null, bp::std_in < bp::null);
  for (std::string line; std::getline(out, line);)
    if (const std::size_t at = line.find(", V"); at != std::string::npos)
      toolchain.version = "nvcc " + line.substr(at + 3);
  child.wait();
  return toolchain;
}

std::string file_digest(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return to_hex(sha256(text.str()));
}

}  // namespace crucible
