// crucible-nvrtc: compiles device code alone, inside a compile jail. Stands by: loads NVRTC and warms it up on headers
// that we trust, before there is a candidate; then reads one request from descriptor 4 until its end, compiles it and
// ends. Its log, in the candidate's lines, goes to standard output; candidate.cubin, candidate.ptx and names.txt (per
// kernel asked for its name in the module) to the work directory.
//
//   crucible-nvrtc LIBRARY ARCHITECTURE INCLUDE…
//
// A request is the number of kernels, their C++ names, one a line, and then the source.

#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Program = void*;

struct Nvrtc {
  int (*create)(Program*, const char*, const char*, int, const char* const*, const char* const*) = nullptr;
  int (*add_name)(Program, const char*) = nullptr;
  int (*compile)(Program, int, const char* const*) = nullptr;
  int (*log_size)(Program, std::size_t*) = nullptr;
  int (*log)(Program, char*) = nullptr;
  int (*cubin_size)(Program, std::size_t*) = nullptr;
  int (*cubin)(Program, char*) = nullptr;
  int (*ptx_size)(Program, std::size_t*) = nullptr;
  int (*ptx)(Program, char*) = nullptr;
  int (*lowered)(Program, const char*, const char**) = nullptr;
  const char* (*error)(int) = nullptr;
};

template <class Function>
void look_up(void* library, Function& function, const char* name) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) throw std::runtime_error(std::string("NVRTC lacks ") + name);
}

Nvrtc load(const char* path) {
  void* library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(::dlerror());
  Nvrtc n;
  look_up(library, n.create, "nvrtcCreateProgram");
  look_up(library, n.add_name, "nvrtcAddNameExpression");
  look_up(library, n.compile, "nvrtcCompileProgram");
  look_up(library, n.log_size, "nvrtcGetProgramLogSize");
  look_up(library, n.log, "nvrtcGetProgramLog");
  look_up(library, n.cubin_size, "nvrtcGetCUBINSize");
  look_up(library, n.cubin, "nvrtcGetCUBIN");
  look_up(library, n.ptx_size, "nvrtcGetPTXSize");
  look_up(library, n.ptx, "nvrtcGetPTX");
  look_up(library, n.lowered, "nvrtcGetLoweredName");
  look_up(library, n.error, "nvrtcGetErrorString");
  return n;
}

class Compilation {
 public:
  Compilation(const Nvrtc& nvrtc, const std::string& source) : nvrtc_(nvrtc) {
    check(nvrtc_.create(&program_, source.c_str(), "candidate.cu", 0, nullptr, nullptr));
  }
  void ask_name(const std::string& name) { check(nvrtc_.add_name(program_, name.c_str())); }
  bool compile(const std::vector<std::string>& options) {
    std::vector<const char*> given;
    for (const std::string& option : options) given.push_back(option.c_str());
    return nvrtc_.compile(program_, static_cast<int>(given.size()), given.data()) == 0;
  }
  std::string log() const { return read(nvrtc_.log_size, nvrtc_.log); }
  std::string cubin() const { return read(nvrtc_.cubin_size, nvrtc_.cubin); }
  std::string ptx() const { return read(nvrtc_.ptx_size, nvrtc_.ptx); }
  std::string lowered(const std::string& name) const {
    const char* text = nullptr;
    check(nvrtc_.lowered(program_, name.c_str(), &text));
    return text;
  }

 private:
  void check(int result) const {
    if (result != 0) throw std::runtime_error(nvrtc_.error(result));
  }
  std::string read(int (*size_of)(Program, std::size_t*), int (*get)(Program, char*)) const {
    std::size_t size = 0;
    check(size_of(program_, &size));
    std::string bytes(size, '\0');
    check(get(program_, bytes.data()));
    return bytes;
  }

  const Nvrtc& nvrtc_;
  Program program_ = nullptr;  // lives as long as the process
};

std::string read_request() {
  std::string text;
  char chunk[65536];
  for (ssize_t n; (n = ::read(4, chunk, sizeof chunk)) > 0;) text.append(chunk, static_cast<std::size_t>(n));
  return text;
}

std::string take_line(std::string& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string::npos) throw std::runtime_error("a request cut short");
  std::string line = text.substr(0, end);
  text.erase(0, end + 1);
  return line;
}

void write_file(const char* name, const std::string& bytes) {
  std::ofstream(name, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Warms up on the headers that most candidates include; what is compiled is thrown away.
constexpr const char* kWarmUp =
    "#include <cuda_bf16.h>\n#include <cuda_fp16.h>\n"
    "template <class T> __global__ void warm(T* out) { out[threadIdx.x] = T(threadIdx.x); }\n";

int serve(int count, char** given) {
  const Nvrtc nvrtc = load(given[1]);
  std::vector<std::string> options{"--std=c++20", std::string("--gpu-architecture=sm_") + given[2]};
  for (int i = 3; i < count; ++i) options.push_back(std::string("--include-path=") + given[i]);
  {
    Compilation warm_up(nvrtc, kWarmUp);
    warm_up.ask_name("warm<__nv_bfloat16>");
    if (!warm_up.compile(options)) throw std::runtime_error("NVRTC does not compile: " + warm_up.log());
  }
  std::string source = read_request();
  if (source.empty()) return 0;  // nobody needed it
  std::vector<std::string> names;
  for (unsigned long i = std::stoul(take_line(source)); i > 0; --i) names.push_back(take_line(source));
  Compilation candidate(nvrtc, source);
  for (const std::string& name : names) candidate.ask_name(name);
  const bool compiled = candidate.compile(options);
  const std::string log = candidate.log();
  std::fwrite(log.data(), 1, log.size() > 1 ? log.size() - 1 : 0, stdout);
  std::fflush(stdout);
  if (!compiled) return 1;
  std::string table;
  for (const std::string& name : names) table += name + "\n" + candidate.lowered(name) + "\n";
  write_file("candidate.ptx", candidate.ptx());
  write_file("names.txt", table);
  write_file("candidate.cubin", candidate.cubin());
  return 0;
}

}  // namespace

int main(int count, char** given) {
  if (count < 3) {
    std::fprintf(stderr, "usage: crucible-nvrtc LIBRARY ARCHITECTURE INCLUDE…\n");
    return 2;
  }
  try {
    ::_exit(serve(count, given));  // NVRTC's own teardown costs time and serves nobody
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    std::fflush(stdout);
    return 2;
  }
}
