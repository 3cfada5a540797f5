#pragma once

#include <limits>

#include "env/record.h"
#include "env/sha256.h"

namespace crucible::testing {

/// A record in which every field holds something that JSON can get wrong.
inline Record sample_record(const std::string& model = "crucible") {
  Record record;
  record.id = "r-000017";
  record.time_utc = "2026-01-31T23:59:59Z";
  record.turn = 3;
  record.source = "#include <crucible/kernel.h>\n// naïve \"quotes\" \\ tab\t\x01 and a \xf0\x9f\x98\x80\n";
  Evaluation& evaluation = record.evaluation;
  evaluation.task = "rms_norm";
  evaluation.backend = "cpu";
  evaluation.device = "Some CPU, 2 cores";
  evaluation.verdict = Verdict::correct;
  evaluation.explanation = "right in every case";
  evaluation.diagnostics = "candidate.cpp:3:5: warning: unused\n";
  evaluation.findings = {{"fast_above_roof", "1.2 times the roof on w1", false}};
  evaluation.families = {{"normal", true, 4, 4}, {"zeros", false, 2, 2}};
  evaluation.failures = {{"", "special_values", "NaN where the formula gives NaN", true}};
  for (int w = 0; w < 2; ++w) {
    WorkloadTiming workload;
    workload.name = "w" + std::to_string(w);
    workload.dtype = w == 0 ? "f32" : "bf16";
    workload.axes = {{"tokens", 128 << w}, {"D", 4096}, {"big", std::int64_t{1} << 62}};
    workload.count = 0.1 + w;
    workload.baseline = "onednn";
    workload.mode = TimingMode::reveal;
    workload.between_runner_sd = 0.01;
    if (w == 1) workload.roof_ns = 1.0 / 3;
    for (std::uint32_t i = 0; i < 4; ++i) {
      workload.pairs.push_back({1000.0 / 3 + 0.7 * i, 1500.1 + i / 7.0, i % 2, (i + i / 2) % 2});
    }
    evaluation.workloads.push_back(workload);
  }
  evaluation.workloads[0].candidate_ns = 333.3333333333333;
  evaluation.workloads[0].baseline_ns = std::numeric_limits<double>::denorm_min();
  evaluation.speedup =
      Speedup{1.5000000000000002, 1.3999999999999999, 1.7976931348623157e308, 8, TimingMode::reveal, false, ""};
  evaluation.novelty.score = 0.1 + 0.2;
  evaluation.novelty.similarity = 0.25;
  evaluation.novelty.nearest = {{"textbook/two_pass", 0.25, {{"tokens", 0.25}, {"slices", -0.0}}, {"simd", "unroll"}}};
  evaluation.novelty.techniques = {"simd"};
  evaluation.novelty.snapshot = "abc";
  evaluation.novelty.match_speedup = 1.1;
  evaluation.novelty.sentence = "unlike anything known";
  evaluation.stage_seconds = {{"compile", 0.31}, {"check", 1e-9}};
  evaluation.isolation_level = "user";
  evaluation.isolation = {{"seccomp", true}, {"cgroup", false}};
  evaluation.seed = std::numeric_limits<std::uint64_t>::max();
  evaluation.source_sha256 = to_hex(sha256(record.source));
  evaluation.versions = {{"crucible", "0.1.0"}, {"g++", "12.2.0"}};
  const auto reward_model = make_reward_model(default_settings(model));
  record.settings = reward_model->settings();
  record.reward = reward_model->score(evaluation);
  return record;
}

}  // namespace crucible::testing
