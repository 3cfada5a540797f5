#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "env/task/call.h"
#include "sandbox/launcher/declared_call.h"

namespace crucible {

/// A declaration that cannot be read, or not evaluated for some call. `line` counts from 1.
struct LaunchError : std::runtime_error {
  LaunchError(int at, const std::string& what) : std::runtime_error(what), line(at) {}
  int line;
};

/// What the expressions of a declaration may name.
struct LaunchScope {
  const CallLayout& layout;
  std::int64_t sm_count = 1;
};

/// The launches that a text of device code declares (CONTRACTS.md, "Device code alone"). Immutable.
class DeclaredLaunches {
 public:
  /// None when the text declares no launch. Throws LaunchError.
  static std::optional<DeclaredLaunches> find(std::string_view source);

  /// The C++ names of the kernels as instantiated for element type `dtype`, for the compiler to look up.
  std::vector<std::string> kernels(DType dtype) const;

  /// The launches of one call. `functions`: a kernel's C++ name to its name in the module. Throws LaunchError.
  DeclaredCall call(const LaunchScope& scope, DType dtype, const std::map<std::string, std::string>& functions) const;

  using Expression = std::function<std::int64_t(const LaunchScope&)>;
  struct Argument {
    std::string name;       ///< where the whole argument is one identifier
    Expression expression;  ///< otherwise, and where `name` is no tensor and no floating scalar
  };
  struct Launch {
    int line = 0;
    std::string kernel;
    std::vector<Expression> grid, block, cluster;
    Expression shared;
    std::vector<Argument> arguments;
  };

 private:
  std::vector<Launch> launches_;
};

/// The plan that the judge of such a candidate gets in place of a shared object: its declarations and the names of its
/// kernels in the module.
std::string pack_plan(std::string_view source, const std::map<std::string, std::string>& functions);
struct DeclaredPlan {
  DeclaredLaunches launches;
  std::map<std::string, std::string> functions;
};
/// None when the bytes are no plan (a shared object, say).
std::optional<DeclaredPlan> unpack_plan(std::string_view bytes);

}  // namespace crucible
