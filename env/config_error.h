#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace crucible {

/// Bad configuration or bad arguments from the user. The message names file, line, key and fix.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// "; did you mean 'softmax'?" when `name` is close to one of `known`, else "; known: a, b, c".
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);

}  // namespace crucible
