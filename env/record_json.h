#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "env/config_error.h"

namespace crucible {

using Json = nlohmann::ordered_json;

/// NaN, an infinity and an unmeasured value are null; every other double is written so that it reads back bit for bit.
inline Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
inline Json number(const std::optional<double>& value) { return value ? number(*value) : Json(nullptr); }

/// A place in a record that is being read. Every complaint names the field: "workloads[2].count".
class Field {
 public:
  Field(const Json& value, std::string path) : value_(value), path_(std::move(path)) {}

  Field operator[](const char* key) const {
    const auto found = object().find(key);
    if (found == value_.end()) throw ConfigError(under(key) + ": is missing");
    return Field(*found, under(key));
  }
  bool has(const char* key) const { return object().contains(key); }
  bool is_null() const { return value_.is_null(); }

  std::string text() const { return expect(value_.is_string(), "a string").get<std::string>(); }
  bool flag() const { return expect(value_.is_boolean(), "true or false").get<bool>(); }
  double real() const {
    if (value_.is_null()) return std::numeric_limits<double>::quiet_NaN();
    return expect(value_.is_number(), "a number or null").get<double>();
  }
  std::optional<double> optional_real() const {
    return value_.is_null() ? std::nullopt : std::optional<double>(real());
  }
  std::uint64_t natural(std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) const {
    const bool fits = value_.is_number_unsigned() && value_.get<std::uint64_t>() <= most;
    return expect(fits, "a whole number up to " + std::to_string(most)).get<std::uint64_t>();
  }
  int count() const { return static_cast<int>(natural(std::numeric_limits<int>::max())); }
  std::int64_t integer() const {
    const bool fits =
        value_.is_number_integer() &&
        (!value_.is_number_unsigned() || value_.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max());
    return expect(fits, "a whole number").get<std::int64_t>();
  }

  /// Calls visit(Field) for each element.
  template <class Visit>
  void each(Visit visit) const {
    expect(value_.is_array(), "a list");
    std::size_t i = 0;
    for (const Json& element : value_) visit(Field(element, path_ + "[" + std::to_string(i++) + "]"));
  }
  /// Calls visit(key, Field) for each member, in the order written.
  template <class Visit>
  void each_member(Visit visit) const {
    for (const auto& [key, element] : object().items()) visit(key, Field(element, under(key)));
  }
  std::size_t size() const { return value_.size(); }

  [[noreturn]] void refuse(const std::string& problem) const {
    throw ConfigError((path_.empty() ? "record" : path_) + ": " + problem);
  }

 private:
  const Json& expect(bool holds, const std::string& what) const {
    if (!holds) refuse("expected " + what + ", found " + value_.type_name());
    return value_;
  }
  const Json& object() const { return expect(value_.is_object(), "an object"); }
  std::string under(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

  const Json& value_;
  std::string path_;
};

}  // namespace crucible
