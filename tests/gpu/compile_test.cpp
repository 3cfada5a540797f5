// nvcc in the jail. Needs a CUDA Toolkit, but no GPU.
#include <doctest/doctest.h>

#include "sandbox/compile/cuda/cuda_compile.h"
#include "sandbox/compile/cuda/device_compilers.h"
#include "sandbox/launcher/cubin.h"
#include "sandbox/sealed_memory.h"

using namespace crucible;

namespace {

const char* const kKernel = R"(
#include <crucible/kernel.h>
#include <cuda_runtime.h>
__device__ unsigned counter = 7;
__global__ void fill(float* out) { out[threadIdx.x] = (float)counter; }
extern "C" __attribute__((visibility("default"))) int probe(DLTensor* out, void* stream) {
  fill<<<1, 32, 0, (cudaStream_t)stream>>>((float*)out->data);
  return (int)cudaGetLastError();
}
)";

std::shared_ptr<Warden> warden() {
  static const std::shared_ptr<Warden> one = Warden::launch({});
  return one;
}

CudaCompileResult compile(const std::string& source, const std::string& entry = "probe") {
  CudaCompileRequest request;
  request.source = source;
  request.entry_point = entry;
  request.nvcc = find_nvcc();
  return compile_cuda(*warden(), request);
}

}  // namespace

TEST_CASE("a kernel compiles to a shared object and the cubin inside it") {
  const CudaCompileResult result = compile(kKernel);
  INFO(result.host.diagnostics);
  REQUIRE(result.host.status == CompileResult::Status::ok);
  REQUIRE(result.device_code);
  const std::string cubin = read_all(result.device_code.get(), 64u << 20);
  const CubinContents contents = read_cubin(std::as_bytes(std::span(cubin)));
  REQUIRE(contents.kernels.size() == 1);
  CHECK(contents.kernels[0] == "_Z4fillPf");
  REQUIRE(contents.globals.size() == 1);
  CHECK(contents.globals[0].name == "counter");
  CHECK(contents.globals[0].initial[0] == std::byte{7});
  CHECK(read_all(result.host.artifact.get(), 64u << 20).find(cubin.substr(0, 4096)) != std::string::npos);
  CHECK(result.host.assembly.find(".entry _Z4fillPf") != std::string::npos);
  CHECK(result.host.diagnostics.find("registers") != std::string::npos);
}

TEST_CASE("errors of host code, of device code and of the linker are compile errors in the candidate's lines") {
  const CudaCompileResult host = compile("int probe() { return undeclared; }\n");
  CHECK(host.host.status == CompileResult::Status::error);
  CHECK(host.host.diagnostics.find("candidate.cu") != std::string::npos);
  const CudaCompileResult device =
      compile("__global__ void f() { undeclared(); }\nextern \"C\" int probe() { return 0; }\n");
  CHECK(device.host.status == CompileResult::Status::error);
  CHECK(device.host.diagnostics.find("undeclared") != std::string::npos);
  CHECK(!device.host.artifact);
  const CudaCompileResult missing = compile(kKernel, "another");
  CHECK(missing.host.status == CompileResult::Status::error);
}

TEST_CASE("files outside the jail cannot be included") {
  const CudaCompileResult result = compile("#include \"/etc/passwd\"\nextern \"C\" int probe() { return 0; }\n");
  CHECK(result.host.status == CompileResult::Status::error);
  CHECK(result.host.diagnostics.find("root:") == std::string::npos);
}

TEST_CASE("device code alone compiles in a process that stood by, and its kernels' names come back") {
  const std::string nvcc = find_nvcc();
  if (find_nvrtc(nvcc).empty()) {
    MESSAGE("skipped: no NVRTC is here");
    return;
  }
  DeviceCompilers compilers(nvcc);
  compilers.stand_by(*warden());
  DeviceCompileRequest request;
  request.source =
      "#include <cuda_bf16.h>\ntemplate <class T> __global__ void twice(T* out) { out[0] = out[0] + out[0]; }\n";
  request.kernels = {"twice<__nv_bfloat16>", "twice<float>"};
  const DeviceCompileResult good = compilers.compile(*warden(), request);
  INFO(good.compiled.host.diagnostics);
  REQUIRE(good.compiled.host.status == CompileResult::Status::ok);
  REQUIRE(good.functions.size() == 2);
  const std::string cubin = read_all(good.compiled.device_code.get(), 64u << 20);
  CHECK(cubin.find(good.functions.at("twice<float>")) != std::string::npos);
  CHECK(good.compiled.host.assembly.find(".entry") != std::string::npos);

  request.source = "__global__ void broken() {\n  undeclared();\n}\n";
  request.kernels = {"broken"};
  const DeviceCompileResult bad = compilers.compile(*warden(), request);
  CHECK(bad.compiled.host.status == CompileResult::Status::error);
  CHECK(bad.compiled.host.diagnostics.find("candidate.cu(2)") != std::string::npos);
  CHECK(!bad.compiled.device_code);

  request.source = "#include \"/etc/passwd\"\n__global__ void f() {}\n";
  request.kernels = {"f"};
  const DeviceCompileResult spy = compilers.compile(*warden(), request);
  CHECK(spy.compiled.host.status == CompileResult::Status::error);
  CHECK(spy.compiled.host.diagnostics.find("root:") == std::string::npos);
}
