#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/backend/cuda/chain_plan.h"
#include "env/backend/cuda/device_pool.h"
#include "env/backend/cuda/judge_device.h"
#include "env/backend/cuda/worker.h"
#include "env/judge/checker.h"

namespace crucible {

/// What a launcher plays between its deals.
struct ChainSubject {
  ChainKernel kernel = ChainKernel::none;
  std::vector<std::byte> cubin;   ///< candidate: the device code that we compiled
  std::vector<std::byte> record;  ///< candidate: an encoded LaunchRecord
  std::string plugin;             ///< plugin: path
  std::string entry_point;        ///< plugin
  bool declared = false;          ///< candidate: `record` is an encoded DeclaredCall
};

/// One timed chain and what its outputs were.
struct ChainSample {
  std::chrono::nanoseconds time{0};  ///< of the whole chain, by the judge's clock
  double event_ns = 0;               ///< by device events, where asked for
  std::string wrong;                 ///< why an output is wrong or not final; empty when all are right
  std::string tampered;              ///< why memory that no call may write changed; empty when none did
  std::string failure;               ///< the launcher died or refused: what it said
  double largest_eta = 0;
  bool ok() const { return wrong.empty() && tampered.empty() && failure.empty(); }
};

/// One launcher with areas of its own, which no other process gets, and one chain in it. Not thread-safe.
class ChainSide {
 public:
  /// Starts a launcher and allocates its areas. `launcher`: path of crucible-launcher. The pool must outlive this.
  ChainSide(JudgeDevice& device, const DevicePool& pool, const std::optional<RowOracle>& oracle, const ChainPlan& plan,
            const std::string& launcher);

  /// Outputs are judged by `oracle` where there is no row oracle; it must outlive this.
  void judge_by(const TaskOracle* oracle) { task_oracle_ = oracle; }

  /// Loads the subject and builds the chain. Returns why it cannot be replayed; empty when it can.
  std::string open(const ChainSubject& subject, std::chrono::milliseconds deadline);

  /// Deals anew, runs the chain once, and (unless `verify` is false: trusted code after its first run) checks every
  /// output.
  ChainSample sample(double max_eta, bool verify, bool events = false);

  // The parts of sample(), so that several sides get ready at once: the launcher takes its new deals while the device
  // deals the inputs. ready() waits for both and says why the chain cannot run; empty when it can.
  void begin();
  std::string ready();
  ChainSample run(bool events = false);
  /// Checks every output of the chain that ran last.
  void verify(ChainSample& sample, double max_eta);

  /// What the candidate's kernels take of the device, after open().
  const std::string& resources() const { return resources_; }

  const ChainPlan& plan() const { return plan_; }
  CudaWorker& worker() { return *worker_; }

 private:
  void deal();
  void seal();
  void verify_outputs(ChainSample& sample, double max_eta);
  void verify_by_task(ChainSample& sample, double max_eta);
  void read_verdicts(ChainSample& sample, CUdeviceptr verdicts, std::size_t per_step);
  std::uint64_t output_place(std::size_t step, std::size_t storage) const;
  std::vector<std::byte> chain_request() const;
  std::string build();
  std::uint64_t live(std::uint32_t slot, std::size_t storage) const;

  JudgeDevice& device_;
  const DevicePool& pool_;
  const std::optional<RowOracle>& oracle_;
  ChainPlan plan_;
  ChainSubject subject_;
  const TaskOracle* task_oracle_ = nullptr;
  DeviceMemory live_, sealed_, collected_, fresh_;
  std::unique_ptr<CudaWorker> worker_;
  std::vector<DeviceHand> hands_;
  std::vector<CrucibleDeal> deals_;
  std::uint64_t pattern_ = 0;  ///< of red zones and decoys in this chain
  std::size_t next_entry_ = 0;
  bool built_ = false;
  std::string resources_;
};

}  // namespace crucible
