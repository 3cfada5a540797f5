#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "env/task/call.h"

namespace crucible {

/// What the fp64 oracle says about one output (or inout) tensor. Arrays are dense, row-major over the tensor's shape.
/// The tolerance is CONTRACTS.md's: η = max(|out−ref| − M·φ, 0) / (u_T·max(|ref|, smallest normal) + 2⁻²⁴·A + extra).
struct ExpectedOutput {
  std::size_t argument = 0;          ///< index into CallLayout::arguments
  bool exact = false;                ///< integers and bit copies: `bytes` must match, `value` is empty
  bool custom = false;               ///< judged by Reference::check_custom too; what the fields say is necessary only
  std::vector<double> value;         ///< reference, not rounded
  std::vector<double> magnitude;     ///< A
  std::vector<double> extra;         ///< empty: 0 everywhere
  std::vector<double> flush;         ///< M; empty: 0 everywhere
  std::vector<std::byte> bytes;      ///< exact: the expected elements, dense
  std::vector<std::uint8_t> pinned;  ///< 1: the element must keep the bits of `value`; empty: no element is pinned

  /// exact: a further value that element `index` may have, where the contract leaves a choice.
  struct Alternative {
    std::size_t index = 0;
    std::int64_t value = 0;
  };
  std::vector<Alternative> alternatives;  ///< ascending by index
};

/// The oracle of one task: fp64 truth, magnitudes, and the freedom that the contract grants. Stateless and thread-safe.
class Reference {
 public:
  virtual ~Reference() = default;

  /// One entry for every output and inout tensor, in argument order. `inputs` holds the contents before the call.
  virtual std::vector<ExpectedOutput> compute(const CallView& inputs) const = 0;

  /// Judges all `custom` outputs together (top-k may swap near-ties). Returns why the result is wrong, or empty.
  /// `inputs` are the pristine contents, `outputs` the memory after the call.
  virtual std::optional<std::string> check_custom(const CallView& inputs, const CallView& outputs) const;
};

/// The oracle of `task`; null when there is none. Tasks register theirs in env/reference/registry.cpp.
std::shared_ptr<const Reference> reference_for(std::string_view task);

}  // namespace crucible
