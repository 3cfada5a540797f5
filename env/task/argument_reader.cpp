#include "env/task/argument_reader.h"

#include <algorithm>
#include <stdexcept>

#include "env/task/values.h"

namespace crucible {
namespace {

const std::vector<std::string> kArgumentKeys{"name",        "kind",     "access", "dtype",  "shape",  "strided",
                                             "any_strides", "optional", "group",  "layout", "values", "value"};

void read_values(const YamlSection& section, ArgumentDeclaration& argument) {
  const YAML::Node values = section.required("values");
  if (values.IsScalar()) {
    argument.values.name = values.Scalar();
  } else if (values.IsMap() && values["rule"].IsDefined()) {
    for (const auto& entry : values) {
      if (!entry.second.IsScalar()) section.fail("values", "parameters must be plain values");
      if (entry.first.Scalar() == "rule")
        argument.values.name = entry.second.Scalar();
      else
        argument.values.parameters[entry.first.Scalar()] = entry.second.Scalar();
    }
  } else {
    section.fail("values", "must be the name of a rule, or a mapping with the key 'rule'");
  }
  section.check_name("values", argument.values.name, value_rule_names(), "value rule");
  const NamedValueRule& rule = *find_value_rule(argument.values.name);
  for (const auto& [parameter, value] : argument.values.parameters)
    section.check_name("values", parameter, rule.parameters, "parameter of '" + rule.name + "'");
}

ArgumentDeclaration read_argument(const YamlSection& section, const std::vector<std::string>& axes) {
  ArgumentDeclaration argument;
  argument.name = section.text("name");
  const std::string kind = section.text("kind", "tensor");
  section.check_name("kind", kind, {"tensor", "int32", "int64", "float64"}, "kind of argument");
  if (kind != "tensor") {
    argument.kind = kind == "int32"   ? Argument::Kind::int32
                    : kind == "int64" ? Argument::Kind::int64
                                      : Argument::Kind::float64;
    argument.scalar = section.text("value");
    if (argument.kind != Argument::Kind::float64) read_extent(section, "value", argument.scalar, axes);
    return argument;
  }
  const std::string access = section.text("access", "input");
  section.check_name("access", access, {"input", "output", "inout"}, "access");
  argument.access = access == "input" ? Access::input : access == "output" ? Access::output : Access::inout;
  const std::string dtype = section.text("dtype", "T");
  if (dtype != "T") argument.dtype = read_dtype(section, "dtype", dtype);
  for (const std::string& extent : section.list("shape"))
    argument.shape.push_back(read_extent(section, "shape", extent, axes));
  if (argument.shape.empty()) section.fail("shape", "missing; list the dimensions, as in [(rows), D]");
  argument.strided = section.flag("strided", false);
  argument.any_strides = section.flag("any_strides", false);
  argument.optional = section.flag("optional", false);
  argument.group = section.text("group", "");
  argument.layout = section.text("layout", "compact");
  section.check_name("layout", argument.layout, layout_names(), "layout");
  if (argument.access != Access::output) read_values(section, argument);
  return argument;
}

/// Rules that look at other tensors: every such parameter must be there and name one.
void check_value_tensors(const YamlSection& task, const std::vector<ArgumentDeclaration>& arguments,
                         const std::vector<std::string>& names) {
  for (const ArgumentDeclaration& argument : arguments) {
    const NamedValueRule* rule = find_value_rule(argument.values.name);
    if (rule == nullptr) continue;
    for (const std::string& parameter : rule->tensors) {
      const auto found = argument.values.parameters.find(parameter);
      if (found == argument.values.parameters.end())
        task.fail("arguments", argument.name + ": the rule '" + rule->name + "' needs the parameter '" + parameter +
                                   "', the name of a tensor");
      task.check_name("arguments", found->second, names, "argument");
    }
  }
}

}  // namespace

Extent read_extent(const YamlSection& section, const std::string& key, const std::string& text,
                   const std::vector<std::string>& axes) {
  try {
    Extent extent = Extent::parse(text);
    for (const std::string& axis : extent.axes()) section.check_name(key, axis, axes, "axis");
    return extent;
  } catch (const std::invalid_argument& error) {
    section.fail(key, error.what());
  }
}

DType read_dtype(const YamlSection& section, const std::string& key, const std::string& name) {
  section.check_name(key, name, {"f32", "f16", "bf16", "f8e4m3", "i32", "i64"}, "dtype");
  return dtype_from_string(name);
}

std::vector<ArgumentDeclaration> read_arguments(const YamlSection& task, const std::vector<std::string>& axes) {
  const YAML::Node list = task.required("arguments");
  if (!list.IsSequence()) task.fail("arguments", "must be a list, in the order of the entry point");
  std::vector<ArgumentDeclaration> arguments;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < list.size(); ++i) {
    arguments.push_back(
        read_argument(YamlSection(task.file(), "arguments[" + std::to_string(i) + "]", list[i], kArgumentKeys), axes));
    const std::string& name = arguments.back().name;
    if (std::find(names.begin(), names.end(), name) != names.end())
      task.fail("arguments", "two are called '" + name + "'");
    names.push_back(name);
  }
  check_value_tensors(task, arguments, names);
  return arguments;
}

}  // namespace crucible
