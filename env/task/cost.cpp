#include "env/task/cost.h"

#include <cctype>
#include <cstdlib>

namespace crucible {
namespace {

class Formula {
 public:
  Formula(const std::string& text, const CostName& value_of) : text_(text), value_of_(value_of) {}

  double value() {
    double total = product();
    while (take('+')) total += product();
    if (skip(); at_ != text_.size()) fail("'+' or '*'");
    return total;
  }

 private:
  double product() {
    double all = factor();
    while (take('*')) all *= factor();
    return all;
  }

  double factor() {
    skip();
    if (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) {
      char* end = nullptr;
      const double number = std::strtod(text_.c_str() + at_, &end);
      at_ = static_cast<std::size_t>(end - text_.c_str());
      return number;
    }
    const std::string name = word();
    if (name != "sum" || !take('(')) return value_of_(name, false);
    const std::string summed = word();
    if (!take(')')) fail("')'");
    return value_of_(summed, true);
  }

  std::string word() {
    skip();
    const std::size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
    if (at_ == begin) fail("a number or a name");
    return text_.substr(begin, at_ - begin);
  }

  bool take(char wanted) {
    skip();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  [[noreturn]] void fail(const std::string& wanted) const {
    throw std::invalid_argument("'" + text_ + "' is no sum of products: " + wanted + " is missing at character " +
                                std::to_string(at_ + 1));
  }

  const std::string& text_;
  const CostName& value_of_;
  std::size_t at_ = 0;
};

}  // namespace

double cost_value(const std::string& formula, const CostName& value_of) { return Formula(formula, value_of).value(); }

}  // namespace crucible
