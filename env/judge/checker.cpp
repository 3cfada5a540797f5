#include "env/judge/checker.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "env/judge/element_error.h"
#include "env/task/rows.h"

namespace crucible {
namespace {

constexpr std::size_t kRmsElements = 4096;  // fewer are too few for a root mean square to mean anything

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string class_name(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return "finite";
}

bool is_alternative(const std::vector<ExpectedOutput::Alternative>& alternatives, std::size_t index,
                    std::int64_t value) {
  auto place = std::lower_bound(alternatives.begin(), alternatives.end(), index,
                                [](const auto& alternative, std::size_t at) { return alternative.index < at; });
  for (; place != alternatives.end() && place->index == index; ++place)
    if (place->value == value) return true;
  return false;
}

std::string element_text(DType dtype, const std::byte* element) {
  return is_float(dtype) ? number(load_element(dtype, element)) : std::to_string(load_integer(dtype, element));
}

OutputError measure_exact(const ExpectedOutput& expected, const TensorLayout& tensor, const std::byte* storage) {
  OutputError result;
  const std::size_t size = size_of(tensor.dtype);
  for_each_row(tensor, [&](const TensorRow& row) {
    if (!result.mismatch.empty()) return;
    const std::byte* element = storage + row.byte_offset;
    for (std::size_t i = 0; i < row.length; ++i, element += row.byte_stride) {
      const std::byte* wanted = expected.bytes.data() + (row.index + i) * size;
      if (std::memcmp(element, wanted, size) == 0) continue;
      if (!is_float(tensor.dtype) &&
          is_alternative(expected.alternatives, row.index + i, load_integer(tensor.dtype, element)))
        continue;
      result.eta = std::numeric_limits<double>::infinity();
      result.worst_index = row.index + i;
      result.mismatch =
          "is " + element_text(tensor.dtype, element) + ", expected exactly " + element_text(tensor.dtype, wanted);
      return;
    }
  });
  return result;
}

}  // namespace

OutputError measure_error(const ExpectedOutput& expected, const TensorLayout& tensor, const std::byte* storage) {
  if (expected.exact) return measure_exact(expected, tensor, storage);
  OutputError result;
  if (expected.value.empty()) return result;
  const ElementError error(expected, tensor.dtype);
  double squares = 0;
  for_each_row(tensor, [&](const TensorRow& row) {
    const std::byte* element = storage + row.byte_offset;
    for (std::size_t i = 0; i < row.length; ++i, element += row.byte_stride) {
      const std::size_t index = row.index + i;
      const double out = load_element(tensor.dtype, element);
      const double eta = error.eta(index, out);
      if (eta > result.eta) {
        result.eta = eta;
        result.worst_index = index;
      }
      if (std::isfinite(eta)) {
        if (std::isfinite(out)) {
          squares += eta * eta;
          ++result.finite_elements;
        }
      } else if (result.mismatch.empty()) {
        result.worst_index = index;
        const double wanted = expected.value[index];
        result.mismatch = error.pinned(index)
                              ? "is " + number(out) + ", expected unchanged " + number(wanted)
                              : "is " + class_name(out) + ", expected " + class_name(round_to(tensor.dtype, wanted));
      }
    }
  });
  if (result.finite_elements > 0) result.rms_eta = std::sqrt(squares / static_cast<double>(result.finite_elements));
  return result;
}

std::optional<std::string> judge_output(const std::string& name, const ExpectedOutput& expected,
                                        const TensorLayout& tensor, const std::byte* storage,
                                        const Tolerance& tolerance) {
  const OutputError error = measure_error(expected, tensor, storage);
  if (!error.mismatch.empty()) return name + ": element " + std::to_string(error.worst_index) + " " + error.mismatch;
  if (error.eta > tolerance.max_eta)
    return name + ": element " + std::to_string(error.worst_index) + " is " + number(error.eta) + " units off, " +
           number(tolerance.max_eta) + " allowed";
  if (tolerance.max_rms_eta && size_of(tensor.dtype) == 2 && error.finite_elements >= kRmsElements &&
      error.rms_eta > *tolerance.max_rms_eta)
    return name + ": the root mean square error is " + number(error.rms_eta) + " units, " +
           number(*tolerance.max_rms_eta) + " allowed (is the result rounded to nearest even?)";
  return std::nullopt;
}

}  // namespace crucible
