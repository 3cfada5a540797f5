#include "env/judge/bars.h"

#include <algorithm>

#include "env/judge/case_run.h"
#include "env/judge/verify.h"

namespace crucible {
namespace {

using namespace std::chrono_literals;

constexpr auto kReadyDeadline = 10s;
constexpr auto kCallDeadline = 10s;
constexpr std::size_t kEntriesForBars = 2;

}  // namespace

std::string case_key(const PoolCase& pool_case) { return pool_case.workload->name + "/" + pool_case.family; }

std::size_t case_arena_bytes(const std::vector<PoolCase*>& pool_cases) {
  std::size_t bytes = 0;
  for (const PoolCase* pool_case : pool_cases)
    bytes = std::max(bytes, arena_bytes_for(pool_case->layout, 2, kCaseRedZone));
  return bytes;
}

std::map<std::string, std::set<std::string>> fix_bars(Warden& warden, const Machine& machine, PreparedTask& prepared,
                                                      const std::vector<PoolCase*>& pool_cases,
                                                      const std::vector<BaselinePlugin>& plugins,
                                                      const CheckPoint& check_point) {
  std::vector<std::vector<std::vector<OutputError>>> errors(pool_cases.size());
  std::vector<std::vector<std::pair<std::string, std::size_t>>> runs(pool_cases.size());
  const std::size_t arena_bytes = case_arena_bytes(pool_cases);
  for (std::size_t p = 0; p < plugins.size(); ++p) {
    if (check_point) check_point(static_cast<double>(p) / static_cast<double>(plugins.size()));
    const Kernel kernel{plugins[p].name, prepared.task->name, -1, plugins[p].path, RunnerProfile::baseline};
    auto session = std::make_unique<RunnerSession>(warden, kernel, arena_bytes, 2, machine.cpus, 0);
    const CallOutcome ready = session->wait_ready(kReadyDeadline);
    if (ready.status != CallOutcome::Status::done) continue;  // it does not implement this task
    Choice choice(p + 1);
    for (std::size_t c = 0; c < pool_cases.size(); ++c) {
      PoolCase& pool_case = *pool_cases[c];
      for (std::size_t e = 0; e < kEntriesForBars; ++e) {
        const Hand hand = draw_hand(pool_case, Symmetry::none, e, choice);
        CaseOutcome outcome =
            run_case(*session, pool_case, hand, place_case(*session, pool_case, choice), choice, kCallDeadline);
        if (outcome.call.status != CallOutcome::Status::done) {
          prepared.notes.push_back(plugins[p].name + " ended on " + case_key(pool_case) + ": " +
                                   to_string(session->finish()));
          session = std::make_unique<RunnerSession>(warden, kernel, arena_bytes, 2, machine.cpus, 0);
          if (session->wait_ready(kReadyDeadline).status != CallOutcome::Status::done) break;
          continue;
        }
        if (outcome.call.return_code != 0) break;  // not a baseline for this case
        if (!outcome.outputs || outcome.stray) {
          if (outcome.stray)
            prepared.notes.push_back(plugins[p].name + " changed " + outcome.stray->what + " on " +
                                     case_key(pool_case));
          break;
        }
        errors[c].push_back(errors_of(pool_case, e, *outcome.outputs));
        runs[c].emplace_back(plugins[p].name, e);
      }
    }
  }
  std::map<std::string, std::set<std::string>> passing;
  for (std::size_t c = 0; c < pool_cases.size(); ++c) {
    PoolCase& pool_case = *pool_cases[c];
    std::map<std::string, double> inaccurate;  // by baseline: the largest error, where it is not admitted
    for (std::size_t r = 0; r < errors[c].size(); ++r)
      for (const OutputError& error : errors[c][r])
        if (error.mismatch.empty() && error.eta > kAdmittedEta)
          inaccurate[runs[c][r].first] = std::max(inaccurate[runs[c][r].first], error.eta);
    for (const auto& [name, eta] : inaccurate)
      prepared.ill_conditioned.push_back(case_key(pool_case) + ": " + name + ", eta " + std::to_string(eta));
    std::vector<Tolerance> bar = bar_from(errors[c]);
    if (bar.empty()) {
      std::string why = errors[c].empty() ? "no baseline serves it" : "no baseline is accurate enough on it";
      for (std::size_t r = 0; r < errors[c].size(); ++r)
        for (const OutputError& error : errors[c][r])
          if (!error.mismatch.empty() || error.eta > kAdmittedEta) {
            why += "; " + runs[c][r].first + ": " +
                   (error.mismatch.empty() ? "eta " + std::to_string(error.eta) : error.mismatch);
            break;
          }
      prepared.removed.push_back(case_key(pool_case) + ": " + why);
      continue;
    }
    // The RMS bar is for 16-bit outputs only (CONTRACTS.md, "Second bar").
    for (std::size_t i = 0; i < bar.size(); ++i) {
      const DType dtype = pool_case.layout.arguments[pool_case.entries[0].expected[i].argument].tensor.dtype;
      if (dtype != DType::f16 && dtype != DType::bf16) bar[i].max_rms_eta.reset();
    }
    Pool::accept(pool_case, std::move(bar));
    std::set<std::string> failed;
    for (std::size_t r = 0; r < errors[c].size(); ++r)
      for (std::size_t i = 0; i < errors[c][r].size(); ++i) {
        const OutputError& error = errors[c][r][i];
        if (!error.mismatch.empty() || error.eta > pool_case.tolerance[i].max_eta) failed.insert(runs[c][r].first);
      }
    for (const auto& [name, entry] : runs[c])
      if (!failed.contains(name)) passing[case_key(pool_case)].insert(name);
    for (std::size_t e = 0; e < pool_case.entries.size() && pool_case.counted && !pool_case.empty; ++e)
      if (trivial_program_passes(pool_case, e)) pool_case.counted = false;
  }
  return passing;
}

}  // namespace crucible
