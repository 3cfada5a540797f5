#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>

#include "env/base64.h"
#include "env/config_error.h"
#include "tests/env/core/sample_record.h"

using namespace crucible;
using namespace crucible::testing;
using Json = nlohmann::json;

namespace {

std::string message_of(const std::string& line) {
  try {
    record_from_json(line);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

std::string changed(const char* pointer, const Json& value) {
  Json json = Json::parse(to_json(sample_record()));
  json[Json::json_pointer(pointer)] = value;
  return json.dump();
}

}  // namespace

TEST_CASE("a record comes back as it was, bit for bit, for every model and verdict") {
  for (const std::string& model : reward_model_names()) {
    for (Verdict verdict : kAllVerdicts) {
      Record record = sample_record(model);
      record.evaluation.verdict = verdict;
      record.reward = make_reward_model(record.settings)->score(record.evaluation);
      const std::string line = to_json(record);
      CHECK(line.find('\n') == std::string::npos);
      const Record again = record_from_json(line);
      CHECK(to_json(again) == line);
      CHECK(reward_agrees(again));
    }
  }
  const Record again = record_from_json(to_json(sample_record()));
  CHECK(again.source == sample_record().source);
  CHECK(again.evaluation.seed == std::numeric_limits<std::uint64_t>::max());
  CHECK(again.evaluation.speedup->upper == 1.7976931348623157e308);
  CHECK(*again.evaluation.workloads[0].baseline_ns == std::numeric_limits<double>::denorm_min());
  CHECK(std::signbit(again.evaluation.novelty.nearest[0].views[1].second));
  CHECK(again.evaluation.workloads[0].axes == sample_record().evaluation.workloads[0].axes);
  CHECK(again.evaluation.workloads[1].pairs[3].baseline_runner == 0);
  CHECK_FALSE(again.evaluation.novelty.best_known.has_value());
}

TEST_CASE("doubles of any size survive") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    Record record;
    const std::uint64_t bits = random();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    record.evaluation.stage_seconds["x"] = value;
    const double again = record_from_json(to_json(record)).evaluation.stage_seconds.at("x");
    CHECK(std::memcmp(&again, &value, sizeof value) == 0);
  }
}

TEST_CASE("what was not measured, and the reward of our own failure, is null") {
  Record record = sample_record();
  record.evaluation.verdict = Verdict::infrastructure_error;
  record.evaluation.speedup.reset();
  record.evaluation.novelty.score.reset();
  record.reward = make_reward_model(record.settings)->score(record.evaluation);
  const Json json = Json::parse(evaluation_json(record));
  CHECK(json["reward"].is_null());
  CHECK(json["terms"].empty());
  CHECK(json["speedup"].is_null());
  CHECK(json["novelty"]["score"].is_null());
  CHECK(json["workloads"][0]["roof_ns"].is_null());
  CHECK(std::isnan(record_from_json(to_json(record)).reward.reward));
}

TEST_CASE("evaluate --json prints at least the promised fields") {
  const Json json = Json::parse(evaluation_json(sample_record()));
  for (const char* field : {"task", "backend", "device", "verdict", "reward", "terms", "speedup", "workloads",
                            "findings", "novelty", "stage_seconds", "isolation", "seed", "source_sha256", "versions"}) {
    CAPTURE(field);
    CHECK(json.contains(field));
  }
  CHECK_FALSE(json.contains("source"));
  for (const char* field : {"estimate", "lower", "upper", "pairs", "mode"}) CHECK(json["speedup"].contains(field));
  for (const char* field : {"axes", "count", "candidate_ns", "baseline_ns", "baseline"}) {
    CHECK(json["workloads"][0].contains(field));
  }
  CHECK(json["workloads"][0]["pairs"] == 4);
  CHECK(json["workloads"][0]["axes"]["D"] == 4096);
  CHECK(json["findings"][0]["kind"] == "fast_above_roof");
  CHECK(json["novelty"]["nearest"][0]["name"] == "textbook/two_pass");
  CHECK(json["isolation"]["level"] == "user");
  CHECK(json["speedup"]["mode"] == "reveal");
  double sum = 0;
  for (const auto& [name, value] : json["terms"].items()) sum += value.get<double>();
  CHECK(sum == doctest::Approx(json["reward"].get<double>()).epsilon(1e-12));
}

TEST_CASE("a source that is not UTF-8 returns as the same bytes") {
  for (const std::string& source : {std::string("\xff\xfe\x00 binary", 10), std::string("\xed\xa0\x80 lone surrogate"),
                                    std::string(), std::string("a\0b", 3), std::string("\xef\xbb\xbf// BOM\r\n")}) {
    Record record = sample_record();
    record.source = source;
    const std::string line = to_json(record);
    CHECK(record_from_json(line).source == source);
    CHECK(Json::parse(line).contains("source") == is_utf8(source));
  }
}

TEST_CASE("bytes of a candidate in a text field cannot break the line") {
  Record record = sample_record();
  record.evaluation.explanation = "threw \"tile\xff\xfe 7\"\n\x01";
  const Record again = record_from_json(to_json(record));
  CHECK(again.evaluation.explanation.find("tile\xef\xbf\xbd") != std::string::npos);
}

TEST_CASE("a broken record is refused by the name of its field") {
  CHECK(message_of("").find("not JSON") != std::string::npos);
  CHECK(message_of("[]").find("expected an object") != std::string::npos);
  CHECK(message_of("{}").find("schema: is missing") != std::string::npos);
  CHECK(message_of(changed("/schema", 2)).find("schema 2") != std::string::npos);
  CHECK(message_of(changed("/schema", "1")).find("schema: expected a whole number") != std::string::npos);
  CHECK(message_of(changed("/verdict", "corect")).find("verdict: 'corect' is no verdict") != std::string::npos);
  CHECK(message_of(changed("/workloads/1/count", "many")).find("workloads[1].count: expected a number") !=
        std::string::npos);
  CHECK(message_of(changed("/workloads/0/measured/2", {1, 2, 3})).find("workloads[0].measured[2]") !=
        std::string::npos);
  CHECK(message_of(changed("/workloads/0/measured/2/3", -1)).find("measured[2][3]: expected a whole number") !=
        std::string::npos);
  CHECK(message_of(changed("/speedup/mode", "warp")).find("speedup.mode") != std::string::npos);
  CHECK(message_of(changed("/seed", -4)).find("seed: expected a whole number") != std::string::npos);
  CHECK(message_of(changed("/seed", 1.5)).find("seed: expected a whole number") != std::string::npos);
  CHECK(message_of(changed("/cached", 0)).find("cached: expected true or false") != std::string::npos);
  CHECK(message_of(changed("/settings/prices/crushed", 0)).find("settings.prices.crushed") != std::string::npos);
  CHECK(message_of(changed("/why", Json::object())).find("why.") != std::string::npos);
  Json json = Json::parse(to_json(sample_record()));
  json.erase("source");
  CHECK(message_of(json.dump()).find("source_base64: is missing") != std::string::npos);
  json["source_base64"] = "*";
  CHECK(message_of(json.dump()).find("source_base64: is not base64") != std::string::npos);
}

TEST_CASE("a reward that was tampered with does not agree") {
  Record record = sample_record();
  CHECK(reward_agrees(record));
  record.reward.reward = std::nextafter(record.reward.reward, 2);
  CHECK_FALSE(reward_agrees(record));
  record = sample_record();
  record.evaluation.speedup->lower *= 1.0001;
  CHECK_FALSE(reward_agrees(record));
  record = sample_record();
  record.settings.prices.clear();
  CHECK_THROWS_AS(reward_agrees(record), std::invalid_argument);
}

TEST_CASE("no mutation of a record's bytes does more than raise ConfigError") {
  const std::string line = to_json(sample_record());
  std::mt19937_64 random(5);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = line;
    for (std::uint64_t edits = 1 + random() % 4; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + random() % 40);
          break;
        case 2:
          text.insert(at, text.substr(random() % text.size(), random() % 40));
          break;
        default:
          text.resize(at);
          break;
      }
      if (text.empty()) text = "{";
    }
    try {
      const Record record = record_from_json(text);
      CHECK(to_json(record_from_json(to_json(record))) == to_json(record));
      ++accepted;
    } catch (const ConfigError&) {
    }
  }
  CHECK(accepted > 0);
}
