// Launches that a text of device code declares: how they are read, what they come to for a call, how they travel.
#include <doctest/doctest.h>

#include "env/backend/cuda/declared_launches.h"

using namespace crucible;

namespace {

CallLayout rows(std::vector<std::int64_t> shape) {
  CallLayout layout;
  Argument out, bias, epsilon, size;
  out.name = "out";
  out.tensor.shape = shape;
  out.tensor.strides.assign(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) out.tensor.strides[i - 1] = out.tensor.strides[i] * shape[i];
  bias.name = "bias";
  bias.kind = Argument::Kind::absent_tensor;
  epsilon.name = "epsilon";
  epsilon.kind = Argument::Kind::float64;
  epsilon.real = 0.5;
  size.name = "head_size";
  size.kind = Argument::Kind::int64;
  size.integer = 64;
  layout.arguments = {out, bias, epsilon, size};
  layout.storages = {{64, 64}};
  return layout;
}

DeclaredCall one(const std::string& declaration, const CallLayout& layout, DType dtype = DType::bf16) {
  const auto launches = DeclaredLaunches::find("// crucible: launch " + declaration + "\n");
  REQUIRE(launches.has_value());
  return launches->call({layout, 132}, dtype, {});
}

std::int64_t value_of(const std::string& expression, const CallLayout& layout = rows({5, 7})) {
  return one("k grid=(1) block=(1) args=((" + expression + "))", layout).launches.at(0).arguments.at(0).integer;
}

int line_of(const std::string& text) {
  try {
    const auto launches = DeclaredLaunches::find(text);
    (void)launches.value().call({rows({5, 7}), 132}, DType::f32, {});
  } catch (const LaunchError& error) {
    return error.line;
  }
  return 0;
}

}  // namespace

TEST_CASE("expressions are those of the contract") {
  CHECK(value_of("2+3*4-1") == 13);
  CHECK(value_of("(2+3)*4%7") == 6);
  CHECK(value_of("-3+10/3") == 0);
  CHECK(value_of("cdiv(10, 4)") == 3);
  CHECK(value_of("min(3, max(1, 2))") == 2);
  CHECK(value_of("0 ? 1 : 2 ? 3 : 4") == 3);
  CHECK(value_of("out.shape(0)*out.stride(0)+sm_count") == 5 * 7 + 132);
  CHECK(value_of("out.shape(2)") == 1);
  CHECK(value_of("out.stride(2)") == 0);
  CHECK(value_of("bias.shape(0)") == 0);
  CHECK(value_of("head_size/32") == 2);
}

TEST_CASE("arguments are tensors, integers and floating scalars, in the kernel's order") {
  const DeclaredCall call =
      one("f<T, 4> grid=(out.shape(0), 2) block=(64,2) shared=out.shape(1)*4 cluster=(2) "
          "args=(out, bias, head_size, sm_count, out.shape(1), epsilon)",
          rows({5, 7}));
  REQUIRE(call.launches.size() == 1);
  const DeclaredLaunch& launch = call.launches[0];
  CHECK(launch.function == "f<__nv_bfloat16, 4>");
  CHECK(launch.grid == std::array<std::uint32_t, 3>{5, 2, 1});
  CHECK(launch.block == std::array<std::uint32_t, 3>{64, 2, 1});
  CHECK(launch.cluster == std::array<std::uint32_t, 3>{2, 1, 1});
  CHECK(launch.shared_bytes == 28);
  REQUIRE(launch.arguments.size() == 6);
  CHECK(launch.arguments[0].kind == DeclaredArgument::Kind::tensor);
  CHECK(launch.arguments[1].kind == DeclaredArgument::Kind::tensor);
  CHECK(launch.arguments[1].integer == 1);
  CHECK(launch.arguments[2].integer == 64);
  CHECK(launch.arguments[3].integer == 132);
  CHECK(launch.arguments[4].integer == 7);
  CHECK(launch.arguments[5].kind == DeclaredArgument::Kind::real);
  CHECK(launch.arguments[5].real == 0.5);
  CHECK(one("f<T> grid=(1) block=(1) args=()", rows({1}), DType::f16).launches[0].function == "f<__half>");
}

TEST_CASE("a bad declaration is an error in its line") {
  CHECK(line_of("\n// crucible: launch k grid=(1) block=(1)\n") == 2);
  CHECK(line_of("// crucible: launch k grid=(1,2,3,4) block=(1) args=()\n") == 1);
  CHECK(line_of("// crucible: launch k grid=(1) block=(1) args=(input)\n") == 1);
  CHECK(line_of("// crucible: launch k grid=(1) block=(1) args=(out.width(0))\n") == 1);
  CHECK(line_of("// crucible: launch k grid=(1/0) block=(1) args=()\n") == 1);
  CHECK(line_of("// crucible: launch k grid=(0-1) block=(1) args=()\n") == 1);
  CHECK(line_of("// crucible: launch k grid=(99999999999999999999) block=(1) args=()\n") == 1);
  CHECK(line_of("// crucible: launch k grid=(epsilon) block=(1) args=()\n") == 1);
  CHECK(line_of("// crucible: launch k grid=(" + std::string(200, '(') + ") block=(1) args=()\n") == 1);
  CHECK(line_of("// crucible: launch k grid=(1) block=(1) colour=(1) args=()\n") == 1);
  CHECK(line_of("// crucible: launch k grid=(9223372036854775807*2) block=(1) args=()\n") == 1);
  CHECK(!DeclaredLaunches::find("__global__ void k() {}\n").has_value());
}

TEST_CASE("a plan carries declarations and names; a shared object is none") {
  const std::string source = "// crucible: launch k<T> grid=(3) block=(32) args=(out)\n__global__ void k();\n";
  const std::map<std::string, std::string> functions{{"k<float>", "_Z1kIfEvPT_"}};
  const auto plan = unpack_plan(pack_plan(source, functions));
  REQUIRE(plan.has_value());
  CHECK(plan->functions == functions);
  CHECK(plan->launches.call({rows({5, 7}), 1}, DType::f32, plan->functions).launches.at(0).function == "_Z1kIfEvPT_");
  CHECK(!unpack_plan("\x7f"
                     "ELF and so on")
             .has_value());
}
