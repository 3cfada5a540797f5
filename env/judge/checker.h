#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "env/reference/reference.h"
#include "env/task/call.h"

namespace crucible {

/// The bar of one output of one case, fixed when the pool is made from the admitted baselines (DESIGN.md, "Correct
/// means: as accurate as production").
struct Tolerance {
  double max_eta = 2.0;               ///< max(2, 2·η_b)
  std::optional<double> max_rms_eta;  ///< 1.15 × the baselines' RMS of η; 16-bit outputs with ≥ 4,096 finite elements
};

/// How far one output is from the truth.
struct OutputError {
  double eta = 0;      ///< largest η over elements whose class agrees; +inf when a class disagrees
  double rms_eta = 0;  ///< root mean square of η over finite elements
  std::size_t finite_elements = 0;
  std::size_t worst_index = 0;  ///< dense index of the worst element
  std::string mismatch;         ///< class or exact mismatch in words; empty when none
};

/// η of one output tensor in memory against the oracle. Class first (NaN, +Inf, −Inf, finite after rounding the
/// reference to T); at the overflow edge max-finite and Inf both pass.
OutputError measure_error(const ExpectedOutput& expected, const TensorLayout& tensor, const std::byte* storage);

/// Accepted interval of every element, in the tensor's own dtype, so that a chain's outputs are checked at memory
/// speed. Dense, row-major. Built once per pool entry. Accepts an element exactly when its η is at most
/// tolerance.max_eta; the RMS bar is judge_output()'s alone. A custom output passes here when it may be right;
/// Reference::check_custom decides.
class AcceptedOutput {
 public:
  /// Throws std::invalid_argument when tolerance.max_eta < 1, which correct rounding may miss.
  AcceptedOutput(const ExpectedOutput& expected, const TensorLayout& tensor, const Tolerance& tolerance);

  /// Dense index of the first element outside its interval; empty when all pass. `storage` is the first byte of the
  /// tensor's storage.
  std::optional<std::size_t> first_rejected(const TensorLayout& tensor, const std::byte* storage) const;

  /// Whether `count` elements that lie one after another are accepted at dense indices from `index` on, their signs
  /// flipped first when `negated`. False is no verdict where the oracle allows alternatives: ask first_rejected().
  bool accepts_run(std::size_t index, const std::byte* elements, std::size_t count, bool negated) const;

  /// Writes right answers for `count` elements from dense index `index` on: the middle of what is accepted. False when
  /// the oracle says nothing here.
  bool write_right(std::size_t index, std::size_t count, std::byte* to) const;

  /// Whether the bit pattern `element` (size_of(dtype) bytes) is accepted at dense index `index`.
  bool accepts(std::size_t index, const std::byte* element) const;

 private:
  /// Elements are compared as ordered integers: (key − low) mod 2^bits ≤ span, one subtraction and one comparison.
  template <class Word>
  struct Bounds {
    std::vector<Word> low, span;
  };

  DType dtype_;
  bool exact_;    ///< keys are the bits themselves
  bool unknown_;  ///< a custom output about which the oracle says nothing here: everything passes
  std::variant<Bounds<std::uint8_t>, Bounds<std::uint16_t>, Bounds<std::uint32_t>, Bounds<std::uint64_t>> bounds_;
  std::vector<ExpectedOutput::Alternative> alternatives_;
};

/// One output against its bar. Empty when it passes, else one sentence ("out: element 17 is 3.1 units off, 2 allowed").
std::optional<std::string> judge_output(const std::string& name, const ExpectedOutput& expected,
                                        const TensorLayout& tensor, const std::byte* storage,
                                        const Tolerance& tolerance);

}  // namespace crucible
