#include "env/reward_config.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>

#include "env/config_error.h"

using namespace crucible;
namespace fs = std::filesystem;

namespace {

const std::string kConfigs = CRUCIBLE_CONFIG_DIR;

using Overrides = std::vector<std::pair<std::string, std::string>>;

std::string default_text() {
  std::ostringstream text;
  text << std::ifstream(kConfigs + "/rewards/default.yaml").rdbuf();
  return text.str();
}

/// default.yaml with its first `from` replaced by `to`.
std::string edited(const std::string& from, const std::string& to) {
  std::string text = default_text();
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

int line_of(const std::string& text, const std::string& part) {
  const std::size_t at = text.find(part);
  REQUIRE(at != std::string::npos);
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

std::string message_of(const std::string& text, const Overrides& overrides = {}) {
  try {
    parse_reward(text, "my.yaml", overrides);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

/// The message must name file, line and key, and say `what`.
void check_message(const std::string& text, int line, const std::string& key, const std::string& what) {
  const std::string message = message_of(text);
  CAPTURE(message);
  CHECK(message.find("my.yaml:" + std::to_string(line) + ": " + key) == 0);
  CHECK(message.find(what) != std::string::npos);
}

std::string origin_of(const LoadedReward& loaded, const std::string& key) {
  for (const ValueOrigin& origin : loaded.origins) {
    if (origin.key == key) return origin.value + " from " + origin.origin;
  }
  return "absent";
}

bool same(const RewardSettings& a, const RewardSettings& b) {
  if (a.model != b.model || a.numbers != b.numbers || a.prices.size() != b.prices.size()) return false;
  for (const auto& [verdict, price] : a.prices) {
    const double other = b.prices.at(verdict);
    if (price != other && !(std::isnan(price) && std::isnan(other))) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("there is a file for every model, and it says what the model says") {
  CHECK(same(load_reward("default", kConfigs).settings, default_settings("crucible")));
  for (const std::string& model : reward_model_names()) {
    if (model == "crucible") continue;
    CAPTURE(model);
    CHECK(same(load_reward(model, kConfigs).settings, default_settings(model)));
  }
  for (const auto& entry : fs::directory_iterator(kConfigs + "/rewards")) {
    CHECK_NOTHROW(load_reward(entry.path().string(), "/nowhere"));
  }
}

TEST_CASE("each value knows where it came from, and the command line wins") {
  const LoadedReward loaded =
      parse_reward(default_text(), "my.yaml", {{"novelty.handicap", "1.05"}, {"prices.crashed", "0"}});
  CHECK(origin_of(loaded, "novelty.handicap") == "1.05 from command line");
  CHECK(origin_of(loaded, "prices.crashed") == "0 from command line");
  CHECK(origin_of(loaded, "speedup.weight") ==
        "0.7 from my.yaml:" + std::to_string(line_of(default_text(), "  weight: 0.70")));
  CHECK(origin_of(loaded, "prices.infrastructure_error").find("null from my.yaml:") == 0);
  CHECK(loaded.settings.numbers.at("novelty.handicap") == 1.05);

  const LoadedReward thin = parse_reward(edited("  handicap: 1.10", "  # handicap left out"), "my.yaml");
  CHECK(origin_of(thin, "novelty.handicap") == "1.1 from default");
  CHECK(loaded.origins.size() == 1 + kAllVerdicts.size() + reward_parameters("crucible").size());
}

TEST_CASE("JSON, dotted keys and switches as true or false mean the same") {
  const LoadedReward json = parse_reward(
      R"({"model": "binary", "threshold": 1.1, "prices": {"malformed": 0, "compile_error": 0, "compile_timeout": 0,
          "load_error": 0, "crashed": 0, "timed_out": 0, "wrong_result": 0, "integrity_violation": -1,
          "not_deployable": 0, "correct": 0, "infrastructure_error": null}})",
      "inline");
  CHECK(json.settings.numbers.at("threshold") == 1.1);
  CHECK(json.settings.prices.at(Verdict::integrity_violation) == -1);
  const LoadedReward off = parse_reward(default_text(), "my.yaml", {{"novelty.enabled", "false"}});
  CHECK(off.settings.numbers.at("novelty.enabled") == 0);
  const LoadedReward dotted = parse_reward(
      edited("replica:\n  enabled: 1\n  similarity: 0.9", "replica.similarity: 0.95\nreplica:"), "my.yaml");
  CHECK(dotted.settings.numbers.at("replica.similarity") == 0.95);
}

TEST_CASE("unknown keys name file, line and key, and suggest") {
  std::string text = edited("  handicap: 1.10", "  handicp: 1.10");
  check_message(text, line_of(text, "handicp"), "novelty.handicp", "did you mean 'novelty.handicap'?");
  text = edited("  crashed: 0.01", "  chrashed: 0.01");
  check_message(text, line_of(text, "chrashed"), "prices.chrashed", "did you mean 'prices.crashed'?");
  text = edited("novelty:\n", "noveltie:\n");
  check_message(text, line_of(text, "noveltie:") + 1, "noveltie.enabled", "did you mean 'novelty.enabled'?");
  text = edited("model: crucible", "model: crucibel");
  check_message(text, line_of(text, "model: crucibel"), "model", "did you mean 'crucible'?");
  CHECK(message_of(default_text(), {{"novelty.handicp", "1"}}) ==
        "command line: novelty.handicp: unknown key; did you mean 'novelty.handicap'?");
  CHECK(message_of(edited("model: crucible", "")).find("my.yaml: model: is missing") == 0);
}

TEST_CASE("wrong types and nonsense values name file, line and key") {
  const struct {
    const char *from, *to, *key, *what;
  } cases[] = {
      {"handicap: 1.10", "handicap: lots", "novelty.handicap", "'lots' is not a number"},
      {"handicap: 1.10", "handicap: \"1.10\"", "novelty.handicap", "without quotes"},
      {"handicap: 1.10", "handicap: 1.10x", "novelty.handicap", "not a number"},
      {"handicap: 1.10", "handicap: .nan", "novelty.handicap", "not a number"},
      {"handicap: 1.10", "handicap: nan", "novelty.handicap", "not finite"},
      {"handicap: 1.10", "handicap: inf", "novelty.handicap", "not finite"},
      {"handicap: 1.10", "handicap: 1e999", "novelty.handicap", "out of range"},
      {"handicap: 1.10", "handicap: true", "novelty.handicap", "not a number"},
      {"handicap: 1.10", "handicap:", "novelty.handicap", "has no value"},
      {"handicap: 1.10", "handicap: [1.1]", "novelty.handicap", "is a list"},
      {"handicap: 1.10", "handicap: {x: 1}", "novelty.handicap.x", "unknown key"},
      {"handicap: 1.10", "handicap: 0.9", "novelty.handicap", "outside [1, 10]"},
      {"weight: 0.70", "weight: -0.70", "speedup.weight", "outside [0"},
      {"  similarity: 0.9", "  similarity: 1.9", "replica.similarity", "outside [0, 1]"},
      {"  crashed: 0.01", "  crashed: null", "prices.crashed", "has no value"},
      {"  crashed: 0.01", "  crashed: 0.01\n  crashed: 0.02", "prices.crashed", "stands twice"},
      {"infrastructure_error: null", "infrastructure_error: 0", "prices.infrastructure_error", "must be null"},
      {"integrity_violation: -0.20", "integrity_violation: 0", "prices.integrity_violation",
       "above the honest verdict"},
      {"not_deployable: 0.20", "not_deployable: 0.40", "prices.not_deployable", "above what correctness alone earns"},
  };
  for (const auto& wrong : cases) {
    CAPTURE(wrong.to);
    const std::string text = edited(wrong.from, wrong.to);
    const int line =
        line_of(text, wrong.to) + static_cast<int>(std::count(wrong.to, wrong.to + std::strlen(wrong.to), '\n'));
    check_message(text, line, wrong.key, wrong.what);
  }
}

TEST_CASE("an omitted price is an error that names it and the place of the others") {
  for (Verdict verdict : kAllVerdicts) {
    const std::string key(to_string(verdict));
    CAPTURE(key);
    const std::string text = edited("  " + key + ":", "  # " + key + ":");
    check_message(text, line_of(text, "prices:\n"), "prices." + key, "has no price");
  }
}

TEST_CASE("what is no configuration at all says so") {
  CHECK(message_of("").find("my.yaml: is empty") == 0);
  CHECK(message_of("just words").find("my.yaml:1: expected 'key: value'") == 0);
  CHECK(message_of("- a\n- b").find("expected 'key: value'") != std::string::npos);
  CHECK(message_of("a: [1, 2\nb: 3").find("not valid YAML") != std::string::npos);
  CHECK(message_of("a: 1\n---\nb: 2").find("my.yaml:2: starts a second document") != std::string::npos);
  CHECK(message_of("? [a, b]\n: 1").find("a key must be a word") != std::string::npos);
  CHECK(message_of(std::string(2 << 20, '#')).find("larger than 1 MiB") != std::string::npos);
  CHECK(message_of("model: binary\nx: \x04").find("my.yaml:2: holds a control character") == 0);
  CHECK(message_of("model: \xff").find("my.yaml: is not UTF-8") == 0);
  CHECK(message_of("model: binary\n\n,").find("my.yaml") == 0);
  CHECK(message_of("\n,").find("my.yaml") == 0);
  CHECK(message_of(std::string(5000, '[')).find("my.yaml") == 0);
  CHECK(message_of("a: &a {b: 1}\nmodel: binary\nc: {d: {e: {f: {g: *a}}}}").find("nested too deeply") !=
        std::string::npos);
}

TEST_CASE("a name that is no reward lists or suggests, a path that is no file says so") {
  CHECK_THROWS_WITH_AS(load_reward("kevin_papr", kConfigs), doctest::Contains("did you mean 'kevin_paper'?"),
                       ConfigError);
  CHECK_THROWS_WITH_AS(load_reward("zzzzzzzzzz", kConfigs), doctest::Contains("known: autotriton"), ConfigError);
  CHECK_THROWS_WITH_AS(load_reward("./none.yaml", kConfigs), doctest::Contains("cannot read"), ConfigError);
  CHECK_THROWS_WITH_AS(load_reward(kConfigs + "/rewards", kConfigs), doctest::Contains("cannot read"), ConfigError);
}

TEST_CASE("no mutation of the file does more than raise ConfigError") {
  const std::string text = default_text();
  std::mt19937_64 random(9);
  const std::string bits[] = {"&a", "*a", "!!int", "? ", ": ", "- ",    "{",  "}", "[",    "]",
                              "|",  ">",  "\"",    "'",  "%",  "---\n", "\t", "#", "<<: ", "\n"};
  int accepted = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string mutated = text;
    for (std::uint64_t edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % mutated.size();
      switch (random() % 4) {
        case 0:
          mutated[at] = static_cast<char>(random());
          break;
        case 1:
          mutated.erase(at, 1 + random() % 10);
          break;
        case 2:
          mutated.insert(at, bits[random() % std::size(bits)]);
          break;
        default:
          mutated.insert(at, mutated.substr(random() % mutated.size(), random() % 30));
          break;
      }
    }
    try {
      const LoadedReward loaded = parse_reward(mutated, "my.yaml");
      CHECK_FALSE(find_problem(loaded.settings).has_value());
      ++accepted;
    } catch (const ConfigError& error) {
      CHECK(std::string(error.what()).find("my.yaml") == 0);
    }
  }
  CHECK(accepted > 0);
}
