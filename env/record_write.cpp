#include "env/base64.h"
#include "env/record.h"
#include "env/record_json.h"

// The order and the names of fields are docs/record.md's; a change of meaning is a new kRecordSchema.

namespace crucible {
namespace {

template <class Pairs>
Json object_of(const Pairs& pairs) {
  Json object = Json::object();
  for (const auto& [key, value] : pairs) object[key] = value;
  return object;
}

Json numbers_of(const std::map<std::string, double>& numbers) {
  Json object = Json::object();
  for (const auto& [key, value] : numbers) object[key] = number(value);
  return object;
}

Json speedup_of(const std::optional<Speedup>& speedup) {
  if (!speedup) return nullptr;
  return {{"estimate", number(speedup->estimate)},
          {"lower", number(speedup->lower)},
          {"upper", number(speedup->upper)},
          {"pairs", speedup->pairs},
          {"mode", to_string(speedup->mode)},
          {"withheld", speedup->withheld},
          {"withheld_reason", speedup->withheld_reason}};
}

Json workload_of(const WorkloadTiming& workload, bool with_pairs) {
  Json json = {{"name", workload.name},
               {"dtype", workload.dtype},
               {"axes", object_of(workload.axes)},
               {"count", number(workload.count)},
               {"candidate_ns", number(workload.candidate_ns)},
               {"baseline_ns", number(workload.baseline_ns)},
               {"baseline", workload.baseline},
               {"mode", to_string(workload.mode)},
               {"roof_ns", number(workload.roof_ns)},
               {"between_runner_sd", number(workload.between_runner_sd)},
               {"pairs", workload.pairs.size()}};
  if (with_pairs) {
    Json measured = Json::array();
    for (const TimedPair& pair : workload.pairs) {
      measured.push_back(
          {number(pair.candidate_ns), number(pair.baseline_ns), pair.candidate_runner, pair.baseline_runner});
    }
    json["measured"] = std::move(measured);
  }
  return json;
}

Json novelty_of(const NoveltyFacts& novelty) {
  Json nearest = Json::array();
  for (const Neighbour& neighbour : novelty.nearest) {
    nearest.push_back({{"name", neighbour.name},
                       {"similarity", number(neighbour.similarity)},
                       {"views", object_of(neighbour.views)},
                       {"shared_techniques", neighbour.shared_techniques}});
  }
  return {{"score", number(novelty.score)},
          {"similarity", number(novelty.similarity)},
          {"nearest", std::move(nearest)},
          {"techniques", novelty.techniques},
          {"snapshot", novelty.snapshot},
          {"best_known", number(novelty.best_known)},
          {"match_speedup", number(novelty.match_speedup)},
          {"failure", novelty.failure},
          {"sentence", novelty.sentence}};
}

/// The part that `crucible evaluate --json` prints and that a record contains too.
void add_evaluation(const Record& record, bool with_pairs, Json& json) {
  const Evaluation& evaluation = record.evaluation;
  json["task"] = evaluation.task;
  json["backend"] = evaluation.backend;
  json["device"] = evaluation.device;
  json["verdict"] = to_string(evaluation.verdict);
  json["reward"] = number(record.reward.reward);
  json["terms"] = Json::object();
  json["why"] = Json::object();
  for (const RewardTerm& term : record.reward.terms) {
    json["terms"][term.name] = number(term.value);
    json["why"][term.name] = term.why;
  }
  json["explanation"] = evaluation.explanation;
  json["diagnostics"] = evaluation.diagnostics;
  json["speedup"] = speedup_of(evaluation.speedup);
  json["workloads"] = Json::array();
  for (const WorkloadTiming& workload : evaluation.workloads) {
    json["workloads"].push_back(workload_of(workload, with_pairs));
  }
  json["findings"] = Json::array();
  for (const IntegrityFinding& finding : evaluation.findings) {
    json["findings"].push_back(
        {{"kind", finding.kind}, {"evidence", finding.evidence}, {"conclusive", finding.conclusive}});
  }
  json["families"] = Json::array();
  for (const FamilyOutcome& family : evaluation.families) {
    json["families"].push_back(
        {{"family", family.family}, {"counted", family.counted}, {"cases", family.cases}, {"passed", family.passed}});
  }
  json["failures"] = Json::array();
  for (const CaseFailure& failure : evaluation.failures) {
    json["failures"].push_back({{"workload", failure.workload},
                                {"family", failure.family},
                                {"explanation", failure.explanation},
                                {"hidden", failure.hidden}});
  }
  json["novelty"] = novelty_of(evaluation.novelty);
  json["stage_seconds"] = numbers_of(evaluation.stage_seconds);
  if (!evaluation.device_state.empty()) json["device_state"] = numbers_of(evaluation.device_state);
  json["isolation"] = {{"level", evaluation.isolation_level}, {"walls", object_of(evaluation.isolation)}};
  json["seed"] = evaluation.seed;
  json["source_sha256"] = evaluation.source_sha256;
  json["cached"] = evaluation.cached;
  json["versions"] = object_of(evaluation.versions);
}

/// Bytes of a candidate may reach explanations and diagnostics; what is not UTF-8 becomes U+FFFD there.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string to_json(const Record& record) {
  Json json = Json::object();
  json["schema"] = kRecordSchema;
  json["id"] = record.id;
  json["time_utc"] = record.time_utc;
  json["turn"] = record.turn;
  add_evaluation(record, true, json);
  Json prices = Json::object();
  for (const auto& [verdict, price] : record.settings.prices) prices[std::string(to_string(verdict))] = number(price);
  json["settings"] = {{"model", record.settings.model},
                      {"numbers", numbers_of(record.settings.numbers)},
                      {"prices", std::move(prices)}};
  if (is_utf8(record.source)) {
    json["source"] = record.source;
  } else {
    json["source_base64"] = base64_encode(record.source);
  }
  return dump(json);
}

std::string evaluation_json(const Record& record) {
  Json json = Json::object();
  add_evaluation(record, false, json);
  return dump(json);
}

}  // namespace crucible
