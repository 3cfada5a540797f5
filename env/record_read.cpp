#include "env/base64.h"
#include "env/record.h"
#include "env/record_json.h"

namespace crucible {
namespace {

Verdict verdict_of(const Field& field) {
  const std::optional<Verdict> verdict = verdict_from_string(field.text());
  if (!verdict) field.refuse("'" + field.text() + "' is no verdict");
  return *verdict;
}

TimingMode mode_of(const Field& field) {
  const std::optional<TimingMode> mode = timing_mode_from_string(field.text());
  if (!mode) field.refuse("'" + field.text() + "' is no timing mode");
  return *mode;
}

std::vector<std::string> texts_of(const Field& field) {
  std::vector<std::string> texts;
  field.each([&](const Field& element) { texts.push_back(element.text()); });
  return texts;
}

std::map<std::string, double> numbers_of(const Field& field) {
  std::map<std::string, double> numbers;
  field.each_member([&](const std::string& key, const Field& value) { numbers[key] = value.real(); });
  return numbers;
}

Speedup speedup_of(const Field& field) {
  Speedup speedup;
  speedup.estimate = field["estimate"].real();
  speedup.lower = field["lower"].real();
  speedup.upper = field["upper"].real();
  speedup.pairs = field["pairs"].count();
  speedup.mode = mode_of(field["mode"]);
  speedup.withheld = field["withheld"].flag();
  speedup.withheld_reason = field["withheld_reason"].text();
  return speedup;
}

TimedPair pair_of(const Field& field) {
  std::vector<double> times;
  std::vector<std::uint32_t> runners;
  field.each([&](const Field& element) {
    if (times.size() < 2) {
      times.push_back(element.real());
    } else {
      runners.push_back(static_cast<std::uint32_t>(element.natural(std::numeric_limits<std::uint32_t>::max())));
    }
  });
  if (runners.size() != 2) field.refuse("expected [candidate_ns, baseline_ns, candidate_runner, baseline_runner]");
  return {times[0], times[1], runners[0], runners[1]};
}

WorkloadTiming workload_of(const Field& field) {
  WorkloadTiming workload;
  workload.name = field["name"].text();
  workload.dtype = field["dtype"].text();
  field["axes"].each_member(
      [&](const std::string& axis, const Field& value) { workload.axes.emplace_back(axis, value.integer()); });
  workload.count = field["count"].real();
  workload.candidate_ns = field["candidate_ns"].optional_real();
  workload.baseline_ns = field["baseline_ns"].optional_real();
  workload.baseline = field["baseline"].text();
  workload.mode = mode_of(field["mode"]);
  workload.roof_ns = field["roof_ns"].optional_real();
  workload.between_runner_sd = field["between_runner_sd"].real();
  field["measured"].each([&](const Field& element) { workload.pairs.push_back(pair_of(element)); });
  return workload;
}

NoveltyFacts novelty_of(const Field& field) {
  NoveltyFacts novelty;
  novelty.score = field["score"].optional_real();
  novelty.similarity = field["similarity"].real();
  field["nearest"].each([&](const Field& element) {
    Neighbour neighbour;
    neighbour.name = element["name"].text();
    neighbour.similarity = element["similarity"].real();
    element["views"].each_member(
        [&](const std::string& view, const Field& value) { neighbour.views.emplace_back(view, value.real()); });
    neighbour.shared_techniques = texts_of(element["shared_techniques"]);
    novelty.nearest.push_back(std::move(neighbour));
  });
  novelty.techniques = texts_of(field["techniques"]);
  novelty.snapshot = field["snapshot"].text();
  novelty.best_known = field["best_known"].optional_real();
  novelty.match_speedup = field["match_speedup"].optional_real();
  novelty.failure = field["failure"].text();
  novelty.sentence = field["sentence"].text();
  return novelty;
}

Evaluation evaluation_of(const Field& field) {
  Evaluation evaluation;
  evaluation.task = field["task"].text();
  evaluation.backend = field["backend"].text();
  evaluation.device = field["device"].text();
  evaluation.verdict = verdict_of(field["verdict"]);
  evaluation.explanation = field["explanation"].text();
  evaluation.diagnostics = field["diagnostics"].text();
  if (!field["speedup"].is_null()) evaluation.speedup = speedup_of(field["speedup"]);
  field["workloads"].each([&](const Field& element) { evaluation.workloads.push_back(workload_of(element)); });
  field["findings"].each([&](const Field& element) {
    evaluation.findings.push_back({element["kind"].text(), element["evidence"].text(), element["conclusive"].flag()});
  });
  field["families"].each([&](const Field& element) {
    evaluation.families.push_back(
        {element["family"].text(), element["counted"].flag(), element["cases"].count(), element["passed"].count()});
  });
  field["failures"].each([&](const Field& element) {
    evaluation.failures.push_back({element["workload"].text(), element["family"].text(), element["explanation"].text(),
                                   element["hidden"].flag()});
  });
  evaluation.novelty = novelty_of(field["novelty"]);
  evaluation.stage_seconds = numbers_of(field["stage_seconds"]);
  if (field.has("device_state")) evaluation.device_state = numbers_of(field["device_state"]);  // older records lack it
  const Field isolation = field["isolation"];
  evaluation.isolation_level = isolation["level"].text();
  isolation["walls"].each_member(
      [&](const std::string& wall, const Field& value) { evaluation.isolation[wall] = value.flag(); });
  evaluation.seed = field["seed"].natural();
  evaluation.source_sha256 = field["source_sha256"].text();
  evaluation.cached = field["cached"].flag();
  field["versions"].each_member(
      [&](const std::string& part, const Field& value) { evaluation.versions[part] = value.text(); });
  return evaluation;
}

Reward reward_of(const Field& field) {
  Reward reward;
  reward.reward = field["reward"].real();
  const Field why = field["why"];
  field["terms"].each_member([&](const std::string& name, const Field& value) {
    reward.terms.push_back({name, value.real(), why[name.c_str()].text()});
  });
  return reward;
}

RewardSettings settings_of(const Field& field) {
  RewardSettings settings;
  settings.model = field["model"].text();
  settings.numbers = numbers_of(field["numbers"]);
  field["prices"].each_member([&](const std::string& name, const Field& price) {
    const std::optional<Verdict> verdict = verdict_from_string(name);
    if (!verdict) price.refuse("'" + name + "' is no verdict");
    settings.prices[*verdict] = price.real();
  });
  return settings;
}

std::string source_of(const Field& field) {
  if (field.has("source")) return field["source"].text();
  const Field encoded = field["source_base64"];
  std::optional<std::string> bytes = base64_decode(encoded.text());
  if (!bytes) encoded.refuse("is not base64");
  return std::move(*bytes);
}

}  // namespace

Record record_from_json(std::string_view line) {
  Json json;
  try {
    json = Json::parse(line);
  } catch (const Json::exception& error) {
    throw ConfigError(std::string("record: not JSON: ") + error.what());
  }
  const Field field(json, "");
  const int schema = field["schema"].count();
  if (schema != kRecordSchema) {
    field["schema"].refuse("this is schema " + std::to_string(schema) + "; this version of Crucible reads schema " +
                           std::to_string(kRecordSchema));
  }
  Record record;
  record.id = field["id"].text();
  record.time_utc = field["time_utc"].text();
  record.turn = static_cast<std::uint32_t>(field["turn"].natural(std::numeric_limits<std::uint32_t>::max()));
  record.evaluation = evaluation_of(field);
  record.reward = reward_of(field);
  record.settings = settings_of(field["settings"]);
  record.source = source_of(field);
  return record;
}

}  // namespace crucible
