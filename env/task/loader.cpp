#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "env/reference/plugin.h"
#include "env/task/argument_reader.h"
#include "env/task/cost.h"
#include "env/task/declaration.h"
#include "env/task/generator.h"
#include "env/task/task.h"
#include "env/task/values.h"
#include "env/task/yaml_reader.h"

namespace crucible {
namespace {

const std::vector<std::string> kTaskKeys{"task",           "title",       "description",      "entry_point",
                                         "rules",          "seed_kernel", "backends",         "hints",
                                         "symmetry",       "axes",        "arguments",        "workloads",
                                         "cuda_workloads", "hidden",      "sequences",        "row_arguments",
                                         "rows",           "reference",   "column_arguments", "cuda_seed_kernel",
                                         "flops",          "bytes",       "slow_baselines"};
const std::vector<std::string> kWorkloadKeys{"name", "dtype", "axes", "options", "count", "families", "timed"};

class TaskReader {
 public:
  TaskReader(const std::string& file, const std::string& backend)
      : file_(file),
        backend_(backend),
        top_(file, "", YamlSection::parse_file(file), kTaskKeys),
        task_(std::make_shared<Task>()) {}

  std::shared_ptr<const Task> read() {
    read_texts();
    axes_ = top_.list("axes");
    if (axes_.empty()) top_.fail("axes", "missing; list the names of the axes");
    arguments_ = read_arguments(top_, axes_);
    read_names();
    const bool own = backend_ == "cuda" && top_.has("cuda_workloads");
    read_workloads(own ? "cuda_workloads" : "workloads", false);
    if (task_->workloads.empty()) top_.fail("workloads", "must hold at least one workload");
    if (top_.has("hidden")) read_workloads("hidden", true);
    task_->generator = std::make_shared<DeclaredGenerator>(arguments_);
    read_costs();
    try_layouts();
    make_cases();
    read_sequences();
    return task_;
  }

 private:
  void read_texts() {
    task_->file = file_;
    task_->name = top_.text("task");
    task_->title = top_.text("title");
    task_->description = top_.text("description");
    task_->entry_point = top_.text("entry_point");
    if (task_->entry_point.find(" " + task_->name + "(") == std::string::npos)
      top_.fail("entry_point", "must declare a function called '" + task_->name + "', as the task");
    task_->rules = top_.text("rules", "");
    task_->backends = top_.list("backends");
    if (task_->backends.empty()) task_->backends = {"cpu"};
    for (const std::string& backend : task_->backends) top_.check_name("backends", backend, {"cpu", "cuda"}, "backend");
    if (backend_.empty()) backend_ = task_->backends.front();
    if (std::find(task_->backends.begin(), task_->backends.end(), backend_) == task_->backends.end())
      top_.fail("backends", "the task has no backend '" + backend_ + "'; add it, or choose another one");
    task_->seed_kernel = read_seed_kernel();
    task_->hints = top_.list("hints");
    const std::string symmetry = top_.text("symmetry", "none");
    top_.check_name("symmetry", symmetry, {"none", "permute_rows", "permute_rows_and_negate"}, "symmetry");
    task_->symmetry = symmetry == "none"           ? Symmetry::none
                      : symmetry == "permute_rows" ? Symmetry::permute_rows
                                                   : Symmetry::permute_rows_and_negate;
    read_reference();
  }

  /// A library beside the task file when it names one, else the oracle registered under its name.
  void read_reference() {
    if (!top_.has("reference")) {
      task_->reference = reference_for(task_->name);
      if (task_->reference == nullptr)
        top_.fail("task", "'" + task_->name +
                              "' has no reference; name a library with the key 'reference', or register one "
                              "(env/reference/registry.h)");
      return;
    }
    const std::filesystem::path path = std::filesystem::path(file_).parent_path() / top_.text("reference");
    try {
      task_->reference = load_reference(std::filesystem::absolute(path).string(), task_->name);
    } catch (const std::runtime_error& error) {
      top_.fail("reference", error.what());
    }
  }

  /// The kernel itself when it spans lines, else the name of a file beside the task file.
  /// The cuda backend has its own where the task serves both.
  std::string read_seed_kernel() {
    const char* key = backend_ == "cuda" && top_.has("cuda_seed_kernel") ? "cuda_seed_kernel" : "seed_kernel";
    const std::string text = top_.text(key);
    if (text.find('\n') != std::string::npos) return text;
    const std::filesystem::path path = std::filesystem::path(file_).parent_path() / text;
    std::ifstream stream(path);
    if (!stream) top_.fail(key, "cannot read '" + path.string() + "'; name a file beside the task file");
    std::ostringstream content;
    content << stream.rdbuf();
    return content.str();
  }

  void read_names() {
    std::vector<std::string> names;
    for (const ArgumentDeclaration& argument : arguments_) names.push_back(argument.name);
    for (const std::string& hint : task_->hints) top_.check_name("hints", hint, names, "argument");
    task_->row_arguments = top_.list("row_arguments");
    for (const std::string& name : task_->row_arguments) top_.check_name("row_arguments", name, names, "argument");
    task_->column_arguments = top_.list("column_arguments");
    for (const std::string& name : task_->column_arguments)
      top_.check_name("column_arguments", name, names, "argument");
    for (const std::string& extent : top_.list("rows")) rows_.push_back(read_extent(top_, "rows", extent, axes_));
    if (task_->symmetry != Symmetry::none && (task_->row_arguments.empty() || rows_.empty()))
      top_.fail("symmetry",
                "needs row_arguments, the tensors whose rows are permuted together, and rows, their number");
  }

  /// Formulas are tried with every name they use; what they are worth follows from the workload.
  void read_costs() {
    const CostName known = [&](std::string_view name, bool summed) -> double {
      const bool is_axis = name == "element" || std::find(axes_.begin(), axes_.end(), name) != axes_.end();
      const bool is_tensor =
          std::any_of(arguments_.begin(), arguments_.end(), [&](const ArgumentDeclaration& argument) {
            return argument.name == name && (argument.dtype == DType::i32 || argument.dtype == DType::i64);
          });
      if (summed ? !is_tensor : !is_axis)
        throw std::invalid_argument("'" + std::string(name) + "' is no " + (summed ? "integer tensor" : "axis"));
      return 1;
    };
    for (const auto& [key, formula] : {std::pair{"flops", &task_->cost_flops}, {"bytes", &task_->cost_bytes}}) {
      if (!top_.has(key)) continue;
      *formula = top_.text(key);
      try {
        cost_value(*formula, known);
      } catch (const std::invalid_argument& error) {
        top_.fail(key, error.what());
      }
    }
    if (!top_.has("slow_baselines")) return;
    const YAML::Node reasons = top_.required("slow_baselines");
    if (!reasons.IsMap()) top_.fail("slow_baselines", "must map names of baselines to reasons");
    for (const auto& reason : reasons)
      task_->slow_baselines[reason.first.as<std::string>()] = reason.second.as<std::string>();
  }

  void read_workloads(const std::string& key, bool hidden) {
    const YAML::Node list = top_.required(key);
    if (!list.IsSequence()) top_.fail(key, "must be a list of workloads");
    for (std::size_t i = 0; i < list.size(); ++i)
      read_workload(YamlSection(file_, key + "[" + std::to_string(i) + "]", list[i], kWorkloadKeys), hidden);
  }

  void read_workload(const YamlSection& section, bool hidden) {
    Workload workload;
    workload.hidden = hidden;
    workload.timed = !hidden && section.flag("timed", true);
    workload.count = section.number("count", 1);
    if (!(workload.count > 0) || workload.count > 1e12) section.fail("count", "must be a positive number");
    read_axes(section, workload);
    read_options(section, workload);
    workload.rows = 1;
    for (std::int64_t extent : evaluate(rows_, workload)) workload.rows *= extent;
    std::vector<std::string> families = section.list("families");
    if (families.empty()) families = {"normal"};
    for (const std::string& family : families) section.check_name("families", family, family_names(), "family");
    const std::string name = section.text("name");
    std::vector<std::string> dtypes = section.list("dtype");
    if (dtypes.empty()) dtypes = {"f32", "bf16"};
    if (!section.has("dtype") && backend_ == "cuda") dtypes.push_back("f16");
    for (const std::string& dtype : dtypes) {
      workload.dtype = read_dtype(section, "dtype", dtype);
      workload.name = name + "/" + dtype;
      for (const Workload& other : task_->workloads)
        if (other.name == workload.name) section.fail("name", "'" + workload.name + "' is taken; names are unique");
      task_->workloads.push_back(workload);
      families_.push_back(families);
      lines_.push_back(section.node());
    }
  }

  void read_axes(const YamlSection& section, Workload& workload) {
    const YAML::Node axes = section.required("axes");
    const YamlSection values(file_, section.path_of("axes"), axes, axes_);
    for (const std::string& axis : axes_) {
      if (!values.has(axis)) continue;
      const std::int64_t value = values.integer(axis);
      if (value < 0 || value > 0x7fffffff) values.fail(axis, "must be at least 0 and fit int32");
      workload.axes.emplace_back(axis, value);
    }
  }

  void read_options(const YamlSection& section, Workload& workload) {
    if (!section.has("options")) return;
    std::vector<std::string> known{"layout", "offset", "absent"};
    std::vector<std::string> optional;
    for (const ArgumentDeclaration& argument : arguments_) {
      if (argument.kind != Argument::Kind::tensor) known.push_back(argument.name);
      if (argument.strided || argument.any_strides) known.push_back("layout." + argument.name);
      if (argument.optional) optional.push_back(argument.name);
    }
    const YamlSection options(file_, section.path_of("options"), section.required("options"), known);
    for (const auto& entry : options.node()) {
      const std::string key = entry.first.Scalar();
      if (key.starts_with("layout")) options.check_name(key, options.text(key), layout_names(), "layout");
      if (key == "absent") options.check_name(key, options.text(key), optional, "optional argument");
      if (key == "offset" && options.integer(key) < 0) options.fail(key, "must not be negative");
      workload.options[key] = options.text(key);
    }
  }

  /// Mistakes in shapes and layouts show here, with the workload's line, and not when a kernel is judged.
  void try_layouts() {
    for (std::size_t i = 0; i < task_->workloads.size(); ++i) {
      try {
        task_->generator->layout(task_->workloads[i]);
      } catch (const std::exception& error) {
        YamlSection::fail_at(file_, lines_[i], task_->workloads[i].name, error.what());
      }
    }
  }

  void make_cases() {
    for (std::size_t i = 0; i < task_->workloads.size(); ++i)
      for (const std::string& family : families_[i]) task_->cases.push_back({&task_->workloads[i], family});
  }

  void read_sequences() {
    for (const std::string& name : top_.list("sequences")) {
      std::vector<std::string> known;
      for (const Workload& workload : task_->workloads) {
        known.push_back(workload.name);
        if (workload.name == name) task_->sequences.push_back({&workload, "normal"});
      }
      top_.check_name("sequences", name, known, "workload");
    }
  }

  std::string file_;
  std::string backend_;
  YamlSection top_;
  std::shared_ptr<Task> task_;
  std::vector<std::string> axes_;
  std::vector<ArgumentDeclaration> arguments_;
  std::vector<Extent> rows_;
  std::vector<std::vector<std::string>> families_;  ///< parallel to the workloads
  std::vector<YAML::Node> lines_;                   ///< parallel to the workloads
};

}  // namespace

std::shared_ptr<const Task> load_task(const std::string& path, const std::string& backend) {
  return TaskReader(path, backend).read();
}

}  // namespace crucible
