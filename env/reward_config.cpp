#include "env/reward_config.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "env/base64.h"
#include "env/config_error.h"

namespace crucible {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxText = 1 << 20;
constexpr std::size_t kMaxKeys = 1000;
constexpr const char* kCommandLine = "command line";

/// One dotted key with its scalar, and where it stands.
struct Leaf {
  std::string key;
  std::string text;
  bool quoted = false;
  bool null = false;
  std::string origin;  ///< "file:line" or "command line"
};

[[noreturn]] void fail(const std::string& origin, const std::string& key, const std::string& message) {
  throw ConfigError(origin + ": " + (key.empty() ? "" : key + ": ") + message);
}

std::string at(const std::string& file, const YAML::Mark& mark) {
  return mark.line < 0 ? file : file + ":" + std::to_string(mark.line + 1);
}

std::string exact(double value) {
  if (std::isnan(value)) return "null";
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}

/// Collects the leaves of a map of maps; refuses what no reward configuration contains.
class Flattener {
 public:
  Flattener(std::string file, std::vector<Leaf>& leaves) : file_(std::move(file)), leaves_(leaves) {}

  void walk(const YAML::Node& map, const std::string& prefix, int depth) {
    for (const auto& item : map) {
      const std::string origin = at(file_, item.first.Mark());
      if (!item.first.IsScalar()) fail(origin, prefix, "a key must be a word");
      const std::string key = (prefix.empty() ? "" : prefix + ".") + item.first.Scalar();
      const YAML::Node& value = item.second;
      if (!first_seen_.emplace(key, origin).second) {
        fail(origin, key, "stands twice; the first is at " + first_seen_[key] + "; remove one");
      }
      if (first_seen_.size() > kMaxKeys) fail(origin, key, "more keys than a reward configuration has");
      if (value.IsMap()) {
        if (depth >= 3) fail(origin, key, "nested too deeply");
        walk(value, key, depth + 1);
      } else if (value.IsSequence()) {
        fail(origin, key, "is a list; expected one value");
      } else {
        leaves_.push_back({key, value.IsNull() ? "" : value.Scalar(), value.IsScalar() && value.Tag() == "!",
                           value.IsNull(), origin});
      }
    }
  }

  std::string origin_of(const std::string& key) const {
    const auto found = first_seen_.find(key);
    return found == first_seen_.end() ? file_ : found->second;
  }

 private:
  std::string file_;
  std::vector<Leaf>& leaves_;
  std::map<std::string, std::string> first_seen_;
};

double number_of(const Leaf& leaf) {
  if (leaf.null || leaf.text.empty()) fail(leaf.origin, leaf.key, "has no value; expected a number");
  if (leaf.quoted) fail(leaf.origin, leaf.key, "is the text \"" + leaf.text + "\"; expected a number without quotes");
  if (leaf.key.ends_with(".enabled")) {
    if (leaf.text == "true") return 1;
    if (leaf.text == "false") return 0;
  }
  const char* first = leaf.text.data();
  const char* last = first + leaf.text.size();
  if (*first == '+') ++first;
  double value = 0;
  const auto [end, error] = std::from_chars(first, last, value);
  if (error == std::errc::result_out_of_range) fail(leaf.origin, leaf.key, "'" + leaf.text + "' is out of range");
  if (error != std::errc() || end != last) {
    fail(leaf.origin, leaf.key, "'" + leaf.text.substr(0, 80) + "' is not a number");
  }
  if (!std::isfinite(value)) fail(leaf.origin, leaf.key, "'" + leaf.text + "' is not finite; expected a number");
  return value;
}

std::vector<std::string> known_keys(const std::string& model) {
  std::vector<std::string> keys = {"model", "about"};
  for (Verdict verdict : kAllVerdicts) keys.push_back("prices." + std::string(to_string(verdict)));
  for (const RewardParameter& parameter : reward_parameters(model)) keys.push_back(parameter.name);
  return keys;
}

const Leaf* find_leaf(const std::vector<Leaf>& leaves, const std::string& key) {
  const auto found = std::find_if(leaves.begin(), leaves.end(), [&](const Leaf& leaf) { return leaf.key == key; });
  return found == leaves.end() ? nullptr : &*found;
}

std::string model_of(const std::vector<Leaf>& leaves, const std::string& file) {
  const Leaf* leaf = find_leaf(leaves, "model");
  if (leaf == nullptr) {
    fail(file, "model", "is missing; name the reward model, e.g. 'model: crucible'");
  }
  if (reward_parameters(leaf->text).empty() && reward_about(leaf->text).empty()) {
    fail(leaf->origin, "model",
         "there is no reward model '" + leaf->text + "'" + did_you_mean(leaf->text, reward_model_names()));
  }
  return leaf->text;
}

void apply(const Leaf& leaf, RewardSettings& settings) {
  if (leaf.key == "model") return;
  if (leaf.key == "about") {
    if (leaf.null) fail(leaf.origin, leaf.key, "has no value; expected a text");
    return;
  }
  if (leaf.key.starts_with("prices.")) {
    const std::optional<Verdict> verdict = verdict_from_string(std::string_view(leaf.key).substr(7));
    if (!verdict) fail(leaf.origin, leaf.key, "unknown verdict" + did_you_mean(leaf.key, known_keys(settings.model)));
    const bool none = leaf.null || leaf.text == ".nan" || leaf.text == "null" || leaf.text == "~";
    if (*verdict == Verdict::infrastructure_error && none && !leaf.quoted) {
      settings.prices[*verdict] = std::numeric_limits<double>::quiet_NaN();
      return;
    }
    settings.prices[*verdict] = number_of(leaf);
    return;
  }
  for (const RewardParameter& parameter : reward_parameters(settings.model)) {
    if (parameter.name == leaf.key) {
      settings.numbers[leaf.key] = number_of(leaf);
      return;
    }
  }
  const std::string of = settings.model == "crucible" ? "" : " of reward model '" + settings.model + "'";
  fail(leaf.origin, leaf.key, "unknown key" + of + did_you_mean(leaf.key, known_keys(settings.model)));
}

std::vector<ValueOrigin> origins_of(const RewardSettings& settings, const std::vector<Leaf>& leaves) {
  std::vector<ValueOrigin> origins;
  const auto add = [&](const std::string& key, const std::string& value) {
    const Leaf* leaf = find_leaf(leaves, key);
    origins.push_back({key, value, leaf == nullptr ? "default" : leaf->origin});
  };
  add("model", settings.model);
  for (Verdict verdict : kAllVerdicts) {
    add("prices." + std::string(to_string(verdict)), exact(settings.prices.at(verdict)));
  }
  for (const RewardParameter& parameter : reward_parameters(settings.model)) {
    add(parameter.name, exact(settings.numbers.at(parameter.name)));
  }
  return origins;
}

/// yaml-cpp takes some control characters for the end of its input and then reads for ever; YAML forbids them anyway.
void refuse_control_characters(const std::string& text, const std::string& file) {
  int line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7f) {
      fail(file + ":" + std::to_string(line), "", "holds a control character; this is no text file");
    }
  }
  if (!is_utf8(text)) fail(file, "", "is not UTF-8");
}

/// Refuses a second document. YAML::Load would ignore it, and YAML::LoadAll never ends on a stray comma, in which
/// yaml-cpp sees one empty document after another.
class OneDocument final : public YAML::EventHandler {
 public:
  explicit OneDocument(std::string file) : file_(std::move(file)) {}
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) fail(at(file_, mark), "", "starts a second document; expected one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  std::string file_;
  int documents_ = 0;
};

YAML::Node parse_yaml(const std::string& text, const std::string& file) {
  if (text.size() > kMaxText) fail(file, "", "is larger than 1 MiB: this is no reward configuration");
  refuse_control_characters(text, file);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    OneDocument count(file);
    while (parser.HandleNextDocument(count)) {
    }
    const YAML::Node root = YAML::Load(text);
    if (!root || root.IsNull()) fail(file, "", "is empty; expected a reward configuration");
    if (!root.IsMap()) fail(at(file, root.Mark()), "", "expected 'key: value' lines, e.g. 'model: crucible'");
    return root;
  } catch (const YAML::Exception& error) {
    fail(at(file, error.mark), "", "not valid YAML: " + error.msg);
  }
}

}  // namespace

LoadedReward parse_reward(const std::string& text, const std::string& file,
                          const std::vector<std::pair<std::string, std::string>>& overrides) {
  std::vector<Leaf> leaves;
  Flattener flattener(file, leaves);
  const YAML::Node root = parse_yaml(text, file);
  try {
    flattener.walk(root, "", 0);
  } catch (const YAML::Exception& error) {
    fail(at(file, error.mark), "", error.msg);
  }
  for (const auto& [key, value] : overrides) {
    Leaf given{key, value, false, value.empty(), kCommandLine};
    const auto same =
        std::find_if(leaves.begin(), leaves.end(), [&](const Leaf& leaf) { return leaf.key == given.key; });
    if (same == leaves.end()) {
      leaves.push_back(std::move(given));
    } else {
      *same = std::move(given);
    }
  }

  LoadedReward loaded;
  loaded.settings.model = model_of(leaves, file);
  for (const Leaf& leaf : leaves) apply(leaf, loaded.settings);
  if (const std::optional<SettingsProblem> problem = find_problem(loaded.settings)) {
    const Leaf* leaf = find_leaf(leaves, problem->key);
    fail(leaf != nullptr ? leaf->origin : flattener.origin_of(problem->key.substr(0, problem->key.find('.'))),
         problem->key, problem->message);
  }
  loaded.settings = make_reward_model(loaded.settings)->settings();
  loaded.origins = origins_of(loaded.settings, leaves);
  return loaded;
}

LoadedReward load_reward(std::string_view name_or_path, const std::string& config_directory,
                         const std::vector<std::pair<std::string, std::string>>& overrides) {
  const std::string name(name_or_path);
  const bool is_path = name.find('/') != std::string::npos || name.ends_with(".yaml") || name.ends_with(".yml") ||
                       name.ends_with(".json");
  const fs::path folder = fs::path(config_directory) / "rewards";
  const fs::path path = is_path ? fs::path(name) : folder / (name + ".yaml");
  std::error_code ignored;
  if (!is_path && !fs::is_regular_file(path, ignored)) {
    std::vector<std::string> known;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (entry.path().extension() == ".yaml") known.push_back(entry.path().stem().string());
    }
    std::sort(known.begin(), known.end());
    throw ConfigError("there is no reward '" + name + "' in " + folder.string() + did_you_mean(name, known));
  }
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (!fs::is_regular_file(path, ignored) || !stream || !(text << stream.rdbuf())) {
    throw ConfigError("cannot read the reward configuration " + path.string() +
                      "; give a name of the list that 'config show' prints, or the path of a YAML file");
  }
  const std::string file = is_path ? name : "rewards/" + name + ".yaml";
  return parse_reward(text.str(), file, overrides);
}

}  // namespace crucible
