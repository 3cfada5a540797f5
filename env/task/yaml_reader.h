#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace crucible {

/// A mapping of a YAML file whose keys are all known. Every complaint is a ConfigError "FILE:LINE: KEY: what; fix".
class YamlSection {
 public:
  /// `path` is the dotted key of `node` within the file, empty for the document. Throws when `node` is no mapping, has
  /// a key twice or one that is not in `known`.
  YamlSection(std::string file, std::string path, YAML::Node node, std::vector<std::string> known);

  /// Parses a file; throws ConfigError with its line for bad syntax, and when it cannot be read.
  static YAML::Node parse_file(const std::string& file);

  bool has(const std::string& key) const;
  YAML::Node required(const std::string& key) const;

  std::string text(const std::string& key) const;  ///< required, not empty
  std::string text(const std::string& key, const std::string& fallback) const;
  std::int64_t integer(const std::string& key) const;
  double number(const std::string& key, double fallback) const;
  bool flag(const std::string& key, bool fallback) const;
  /// A list, or a single scalar standing for a list of one; empty when missing.
  std::vector<std::string> list(const std::string& key) const;

  /// Complains with did-you-mean when `name`, the value of `key`, is not one of `known`: "no WHAT is called 'NAME'".
  void check_name(const std::string& key, const std::string& name, const std::vector<std::string>& known,
                  const std::string& what) const;

  [[noreturn]] void fail(const std::string& key, const std::string& message) const;
  [[noreturn]] static void fail_at(const std::string& file, const YAML::Node& node, const std::string& path,
                                   const std::string& message);

  const std::string& file() const { return file_; }
  const YAML::Node& node() const { return node_; }
  std::string path_of(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

 private:
  std::string file_;
  std::string path_;
  YAML::Node node_;
};

}  // namespace crucible
