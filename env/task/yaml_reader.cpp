#include "env/task/yaml_reader.h"

#include <algorithm>
#include <set>

#include "env/config_error.h"

namespace crucible {

YAML::Node YamlSection::parse_file(const std::string& file) {
  try {
    return YAML::LoadFile(file);
  } catch (const YAML::BadFile&) {
    throw ConfigError(file + ": cannot be read; check the path and its permissions");
  } catch (const YAML::Exception& error) {
    throw ConfigError(file + ":" + std::to_string(error.mark.line + 1) + ": not valid YAML: " + error.msg);
  }
}

void YamlSection::fail_at(const std::string& file, const YAML::Node& node, const std::string& path,
                          const std::string& message) {
  const int line = node.IsDefined() ? node.Mark().line : -1;
  throw ConfigError(file + ":" + std::to_string(std::max(line, 0) + 1) + ": " + (path.empty() ? "" : path + ": ") +
                    message);
}

YamlSection::YamlSection(std::string file, std::string path, YAML::Node node, std::vector<std::string> known)
    : file_(std::move(file)), path_(std::move(path)), node_(std::move(node)) {
  if (!node_.IsMap()) fail_at(file_, node_, path_, "must be a mapping of keys to values");
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const std::string key = entry.first.Scalar();
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail_at(file_, entry.first, path_of(key), "unknown key" + did_you_mean(key, known));
    if (!seen.insert(key).second) fail_at(file_, entry.first, path_of(key), "given twice; remove one of them");
  }
}

bool YamlSection::has(const std::string& key) const { return node_[key].IsDefined(); }

void YamlSection::fail(const std::string& key, const std::string& message) const {
  const YAML::Node value = node_[key];
  fail_at(file_, value.IsDefined() ? value : node_, path_of(key), message);
}

void YamlSection::check_name(const std::string& key, const std::string& name, const std::vector<std::string>& known,
                             const std::string& what) const {
  if (std::find(known.begin(), known.end(), name) == known.end())
    fail(key, "no " + what + " is called '" + name + "'" + did_you_mean(name, known));
}

YAML::Node YamlSection::required(const std::string& key) const {
  const YAML::Node value = node_[key];
  if (!value.IsDefined() || value.IsNull()) fail(key, "missing; add it");
  return value;
}

std::string YamlSection::text(const std::string& key) const {
  const YAML::Node value = required(key);
  if (!value.IsScalar()) fail(key, "must be text");
  if (value.Scalar().empty()) fail(key, "must not be empty");
  return value.Scalar();
}

std::string YamlSection::text(const std::string& key, const std::string& fallback) const {
  if (!has(key)) return fallback;
  if (!node_[key].IsScalar()) fail(key, "must be text");
  return node_[key].Scalar();
}

std::int64_t YamlSection::integer(const std::string& key) const {
  const YAML::Node value = required(key);
  std::int64_t result = 0;
  if (!value.IsScalar() || !YAML::convert<std::int64_t>::decode(value, result))
    fail(key,
         "must be a whole number, not '" + (value.IsScalar() ? value.Scalar() : std::string("a collection")) + "'");
  return result;
}

double YamlSection::number(const std::string& key, double fallback) const {
  if (!has(key)) return fallback;
  const YAML::Node value = node_[key];
  double result = 0;
  if (!value.IsScalar() || !YAML::convert<double>::decode(value, result))
    fail(key, "must be a number, not '" + (value.IsScalar() ? value.Scalar() : std::string("a collection")) + "'");
  return result;
}

bool YamlSection::flag(const std::string& key, bool fallback) const {
  if (!has(key)) return fallback;
  const YAML::Node value = node_[key];
  bool result = false;
  if (!value.IsScalar() || !YAML::convert<bool>::decode(value, result)) fail(key, "must be true or false");
  return result;
}

std::vector<std::string> YamlSection::list(const std::string& key) const {
  if (!has(key)) return {};
  const YAML::Node value = node_[key];
  if (value.IsScalar()) return {value.Scalar()};
  if (!value.IsSequence()) fail(key, "must be a list");
  std::vector<std::string> result;
  for (const auto& element : value) {
    if (!element.IsScalar()) fail_at(file_, element, path_of(key), "must be a list of plain values");
    result.push_back(element.Scalar());
  }
  return result;
}

}  // namespace crucible
