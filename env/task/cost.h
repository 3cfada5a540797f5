#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace crucible {

/// What a name in a cost formula stands for: an axis, `element` (bytes of an element of the task's dtype), or with
/// `summed` the sum over an integer tensor. Throws std::invalid_argument for a name it does not know.
using CostName = std::function<double(std::string_view name, bool summed)>;

/// The value of a formula such as "2*M*N*K + M*N" or "4*sum(seq_lens)*Hq*h": sums of products of numbers and names.
/// Throws std::invalid_argument with what is wrong where.
double cost_value(const std::string& formula, const CostName& value_of);

}  // namespace crucible
