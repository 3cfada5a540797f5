#include "env/backend/cuda/declared_launches.h"

#include <algorithm>
#include <cctype>
#include <limits>

namespace crucible {
namespace {

using Expression = DeclaredLaunches::Expression;

constexpr std::string_view kMarker = "// crucible: launch ";
constexpr std::string_view kPlan = "crucible plan\n";
constexpr std::size_t kMaxLaunches = 64;
constexpr int kMaxDepth = 64;
const CallLayout kNoCall;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

const crucible::Argument& argument_of(const LaunchScope& scope, const std::string& name, int line) {
  for (const crucible::Argument& a : scope.layout.arguments)
    if (a.name == name) return a;
  std::string known;
  for (const crucible::Argument& a : scope.layout.arguments) known += (known.empty() ? "" : ", ") + a.name;
  throw LaunchError(line, "'" + name + "' is no argument of the task; it has " + known + " (and sm_count)");
}

/// One line's worth of declaration.
class Reader {
 public:
  Reader(std::string_view text, int line) : text_(text), line_(line) {}

  DeclaredLaunches::Launch launch() {
    DeclaredLaunches::Launch launch;
    launch.line = line_;
    launch.kernel = kernel();
    bool has_arguments = false;
    for (skip(); at_ < text_.size(); skip()) {
      const std::string key = word("a key: grid, block, shared, cluster or args");
      expect('=');
      if (key == "grid") {
        launch.grid = triple();
      } else if (key == "block") {
        launch.block = triple();
      } else if (key == "cluster") {
        launch.cluster = triple();
      } else if (key == "shared") {
        launch.shared = choice();
      } else if (key == "args") {
        launch.arguments = arguments();
        has_arguments = true;
      } else {
        fail("'" + key + "' is none of grid, block, shared, cluster and args");
      }
    }
    if (launch.grid.empty() || launch.block.empty() || !has_arguments) fail("a launch needs grid=, block= and args=");
    return launch;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw LaunchError(line_, "crucible: launch: " + what); }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(std::string("'") + c + "' is missing before '" + std::string(text_.substr(at_, 20)) + "'");
  }
  std::string word(const char* what) {
    skip();
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    if (at_ == begin) fail(std::string(what) + " is missing before '" + std::string(text_.substr(at_, 20)) + "'");
    return std::string(text_.substr(begin, at_ - begin));
  }

  /// Up to the first space outside angle brackets.
  std::string kernel() {
    skip();
    const std::size_t begin = at_;
    for (int depth = 0; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '<') ++depth;
      if (c == '>') --depth;
      if (depth == 0 && std::isspace(static_cast<unsigned char>(c)) != 0) break;
    }
    if (at_ == begin) fail("the kernel's name is missing");
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::vector<Expression> triple() {
    expect('(');
    std::vector<Expression> parts;
    do parts.push_back(choice());
    while (take(','));
    expect(')');
    if (parts.size() > 3) fail("more than three components");
    return parts;
  }

  std::vector<DeclaredLaunches::Argument> arguments() {
    expect('(');
    std::vector<DeclaredLaunches::Argument> made;
    if (take(')')) return made;
    do {
      DeclaredLaunches::Argument one;
      skip();
      std::size_t end = at_;
      while (end < text_.size() && is_word(text_[end])) ++end;
      std::size_t next = end;
      while (next < text_.size() && std::isspace(static_cast<unsigned char>(text_[next])) != 0) ++next;
      const bool alone = end > at_ && std::isdigit(static_cast<unsigned char>(text_[at_])) == 0 &&
                         next < text_.size() && (text_[next] == ',' || text_[next] == ')');
      if (alone) one.name = std::string(text_.substr(at_, end - at_));
      if (alone && one.name != "sm_count")
        at_ = end;
      else
        one.name.clear(), one.expression = choice();
      made.push_back(std::move(one));
    } while (take(','));
    expect(')');
    return made;
  }

  // choice := sum [ '?' choice ':' choice ];  sum := product { (+|-) product };  product := unary { (*|/|%) unary }
  Expression choice() {
    if (++depth_ > kMaxDepth) fail("an expression nested too deeply");
    Expression condition = sum();
    if (take('?')) {
      Expression yes = choice();
      expect(':');
      Expression no = choice();
      condition = [condition, yes, no](const LaunchScope& s) { return condition(s) != 0 ? yes(s) : no(s); };
    }
    --depth_;
    return condition;
  }

  Expression sum() {
    Expression left = product();
    for (;;) {
      const bool plus = take('+');
      if (!plus && !take('-')) return left;
      left = binary(plus ? '+' : '-', left, product());
    }
  }

  Expression product() {
    Expression left = unary();
    for (;;) {
      const char c = take('*') ? '*' : take('/') ? '/' : take('%') ? '%' : '\0';
      if (c == '\0') return left;
      left = binary(c, left, unary());
    }
  }

  Expression binary(char operation, Expression left, Expression right) const {
    return [operation, left = std::move(left), right = std::move(right), line = line_](const LaunchScope& s) {
      const std::int64_t a = left(s), b = right(s);
      std::int64_t result = 0;
      bool overflow = false;
      if (operation == '+') {
        overflow = __builtin_add_overflow(a, b, &result);
      } else if (operation == '-') {
        overflow = __builtin_sub_overflow(a, b, &result);
      } else if (operation == '*') {
        overflow = __builtin_mul_overflow(a, b, &result);
      } else if (b == 0) {
        throw LaunchError(line, "crucible: launch: a division by zero");
      } else {
        overflow = a == std::numeric_limits<std::int64_t>::min() && b == -1;
        if (!overflow) result = operation == '/' ? a / b : a % b;
      }
      if (overflow) throw LaunchError(line, "crucible: launch: a number beyond 64 bits");
      return result;
    };
  }

  Expression unary() {
    if (++depth_ > kMaxDepth) fail("an expression nested too deeply");
    Expression made = take('-') ? binary(
                                      '-', [](const LaunchScope&) { return std::int64_t{0}; }, unary())
                                : primary();
    --depth_;
    return made;
  }

  Expression primary() {
    if (take('(')) {
      Expression inner = choice();
      expect(')');
      return inner;
    }
    const std::string name = word("a number or a name");
    if (std::isdigit(static_cast<unsigned char>(name[0])) != 0) return number(name);
    if (name == "cdiv" || name == "min" || name == "max") return function(name);
    if (name == "sm_count") return [](const LaunchScope& s) { return s.sm_count; };
    if (take('.')) return of_tensor(name);
    return [name, line = line_](const LaunchScope& s) {
      const crucible::Argument& a = argument_of(s, name, line);
      if (a.kind != crucible::Argument::Kind::int32 && a.kind != crucible::Argument::Kind::int64)
        throw LaunchError(line, "crucible: launch: '" + name + "' is no integer argument");
      return a.integer;
    };
  }

  Expression number(const std::string& digits) const {
    std::int64_t value = 0;
    for (const char c : digits) {
      if (std::isdigit(static_cast<unsigned char>(c)) == 0) fail("'" + digits + "' is no number");
      if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, c - '0', &value))
        fail("'" + digits + "' is beyond 64 bits");
    }
    return [value](const LaunchScope&) { return value; };
  }

  Expression function(const std::string& name) {
    expect('(');
    Expression a = choice();
    expect(',');
    Expression b = choice();
    expect(')');
    if (name == "cdiv")
      return binary('/', binary('-', binary('+', a, b), [](const LaunchScope&) { return std::int64_t{1}; }), b);
    const bool least = name == "min";
    return [a, b, least](const LaunchScope& s) { return least ? std::min(a(s), b(s)) : std::max(a(s), b(s)); };
  }

  Expression of_tensor(const std::string& name) {
    const std::string what = word("shape or stride");
    if (what != "shape" && what != "stride") fail("'" + what + "' is neither shape nor stride");
    expect('(');
    const std::string digits = word("the number of a dimension");
    const std::int64_t axis = number(digits)(LaunchScope{kNoCall, 1});
    expect(')');
    return [name, shape = what == "shape", axis, line = line_](const LaunchScope& s) {
      const crucible::Argument& a = argument_of(s, name, line);
      if (a.kind == crucible::Argument::Kind::absent_tensor) return std::int64_t{0};
      const auto& extents = shape ? a.tensor.shape : a.tensor.strides;
      if (a.kind != crucible::Argument::Kind::tensor) throw LaunchError(line, "'" + name + "' is no tensor");
      // Axes that a call does not have are of length 1: a row-wise tensor may have one to three.
      if (static_cast<std::size_t>(axis) >= extents.size()) return std::int64_t{shape ? 1 : 0};
      return extents[static_cast<std::size_t>(axis)];
    };
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_;
  int depth_ = 0;
};

const char* element_name(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return "__half";
    case DType::bf16:
      return "__nv_bfloat16";
    case DType::f8e4m3:
      return "__nv_fp8_e4m3";
    default:
      return "float";
  }
}

/// The word T inside angle brackets becomes the task's element type.
std::string instantiated(const std::string& kernel, DType dtype) {
  std::string out;
  int depth = 0;
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    const char c = kernel[i];
    if (c == '<') ++depth;
    if (c == '>') --depth;
    const bool alone = c == 'T' && depth > 0 && (i == 0 || !is_word(kernel[i - 1])) &&
                       (i + 1 == kernel.size() || !is_word(kernel[i + 1]));
    if (alone)
      out += element_name(dtype);
    else
      out += c;
  }
  return out;
}

std::array<std::uint32_t, 3> extents(const std::vector<Expression>& parts, const LaunchScope& scope, int line,
                                     std::uint32_t missing) {
  std::array<std::uint32_t, 3> out{missing, missing, missing};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::int64_t value = parts[i](scope);
    if (value < 0 || value > std::numeric_limits<std::int32_t>::max())
      throw LaunchError(line, "crucible: launch: an extent of " + std::to_string(value));
    out[i] = static_cast<std::uint32_t>(value);
  }
  return out;
}

}  // namespace

std::optional<DeclaredLaunches> DeclaredLaunches::find(std::string_view source) {
  DeclaredLaunches found;
  int line = 1;
  for (std::size_t at = 0; at < source.size(); ++line) {
    const std::size_t end = std::min(source.find('\n', at), source.size());
    std::string_view text = source.substr(at, end - at);
    at = end + 1;
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos || !text.substr(first).starts_with(kMarker)) continue;
    text.remove_prefix(first + kMarker.size());
    if (found.launches_.size() == kMaxLaunches) throw LaunchError(line, "more than 64 launches are declared");
    found.launches_.push_back(Reader(text, line).launch());
  }
  if (found.launches_.empty()) return std::nullopt;
  return found;
}

std::vector<std::string> DeclaredLaunches::kernels(DType dtype) const {
  std::vector<std::string> names;
  for (const Launch& launch : launches_) {
    std::string name = instantiated(launch.kernel, dtype);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

DeclaredCall DeclaredLaunches::call(const LaunchScope& scope, DType dtype,
                                    const std::map<std::string, std::string>& functions) const {
  DeclaredCall call;
  for (const Launch& declared : launches_) {
    DeclaredLaunch launch;
    const std::string name = instantiated(declared.kernel, dtype);
    const auto function = functions.find(name);
    launch.function = function == functions.end() ? name : function->second;
    launch.grid = extents(declared.grid, scope, declared.line, 1);
    launch.block = extents(declared.block, scope, declared.line, 1);
    if (!declared.cluster.empty()) launch.cluster = extents(declared.cluster, scope, declared.line, 1);
    if (declared.shared) launch.shared_bytes = extents({declared.shared}, scope, declared.line, 0)[0];
    for (const Argument& given : declared.arguments) {
      DeclaredArgument argument;
      if (given.expression) {
        argument.integer = given.expression(scope);
      } else {
        const crucible::Argument& of_task = argument_of(scope, given.name, declared.line);
        switch (of_task.kind) {
          case crucible::Argument::Kind::tensor:
          case crucible::Argument::Kind::absent_tensor:
            argument.kind = DeclaredArgument::Kind::tensor;
            argument.integer = &of_task - scope.layout.arguments.data();
            break;
          case crucible::Argument::Kind::float64:
            argument.kind = DeclaredArgument::Kind::real;
            argument.real = of_task.real;
            break;
          default:
            argument.integer = of_task.integer;
        }
      }
      launch.arguments.push_back(argument);
    }
    call.launches.push_back(std::move(launch));
  }
  return call;
}

std::string pack_plan(std::string_view source, const std::map<std::string, std::string>& functions) {
  std::string plan(kPlan);
  plan += std::to_string(functions.size()) + "\n";
  for (const auto& [name, function] : functions) plan += name + "\n" + function + "\n";
  return plan.append(source);
}

std::optional<DeclaredPlan> unpack_plan(std::string_view bytes) {
  if (!bytes.starts_with(kPlan)) return std::nullopt;
  bytes.remove_prefix(kPlan.size());
  const auto line = [&] {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    const std::string text(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    return text;
  };
  std::map<std::string, std::string> functions;
  for (unsigned long i = std::stoul(line()); i > 0; --i) {
    const std::string name = line();
    functions[name] = line();
  }
  std::optional<DeclaredLaunches> launches = DeclaredLaunches::find(bytes);
  if (!launches) return std::nullopt;
  return DeclaredPlan{std::move(*launches), std::move(functions)};
}

}  // namespace crucible
