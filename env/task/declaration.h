#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "env/task/call.h"
#include "env/task/task.h"

namespace crucible {

/// A product of integers and axes, as in "2*d" or "W*page".
class Extent {
 public:
  /// Throws std::invalid_argument saying what is wrong with `text`.
  static Extent parse(std::string_view text);

  std::int64_t value(const Workload& workload) const;  ///< throws std::out_of_range when an axis is missing
  const std::vector<std::string>& axes() const { return axes_; }
  bool optional() const { return optional_; }  ///< written "(rows)": the dimension exists only where the axis does

 private:
  std::int64_t factor_ = 1;
  std::vector<std::string> axes_;
  bool optional_ = false;
};

/// The extents in order, without optional ones whose axes the workload lacks.
std::vector<std::int64_t> evaluate(const std::vector<Extent>& extents, const Workload& workload);

/// How a tensor's contents are drawn: a rule of values.h or structure.h and its parameters.
struct ValueRule {
  std::string name;
  std::map<std::string, std::string> parameters;

  /// A number, or an Extent of the workload; `fallback` when the rule has no such parameter.
  double number(const std::string& key, const Workload& workload, double fallback) const;
};

/// One argument of the entry point as a task file declares it.
struct ArgumentDeclaration {
  std::string name;
  Argument::Kind kind = Argument::Kind::tensor;
  Access access = Access::input;
  std::optional<DType> dtype;  ///< nullopt: the workload's T
  std::vector<Extent> shape;
  bool strided = false;            ///< marked ~ : any strides but in the last dimension, any element-aligned start
  bool any_strides = false;        ///< "any strides"
  bool optional = false;           ///< marked ? : may be absent
  std::string group;               ///< tensors of one group share a storage where the layout is "fused"
  std::string layout = "compact";  ///< where the workload does not say otherwise
  ValueRule values;
  std::string scalar;  ///< scalars: an Extent, a number or "rsqrt(AXIS)"
};

/// Names that a workload's option `layout` (or `layout.ARGUMENT`) may have.
const std::vector<std::string>& layout_names();

/// Shapes, strides and placement of every argument; see docs/tasks.md for the layouts.
CallLayout lay_out(const std::vector<ArgumentDeclaration>& arguments, const Workload& workload);

}  // namespace crucible
