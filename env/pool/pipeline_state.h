#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "env/pool/fair_queue.h"
#include "env/pool/flight.h"
#include "env/pool/quiet_turns.h"

namespace crucible {

/// A pipeline's threads and what they share. Internal to env/pool/.
struct Pipeline::State {
  using Clock = std::chrono::steady_clock;
  using Lock = std::unique_lock<std::mutex>;

  State(std::shared_ptr<Evaluator> evaluator, const PipelineOptions& options, Deliver deliver, Tick tick);
  void start();
  void stop();  ///< joins every thread

  // Each is one thread's life (compile: of several).
  void validate();
  void compile();
  void run_device();
  void record();

  // Everything below needs the mutex.

  /// Runs a piece of the evaluator without the mutex, and accounts for it. What it throws becomes the flight's error. A
  /// flight that nobody waits for any more is gone afterwards: false.
  template <class Work>
  bool run_stage(Lock& lock, const FlightPtr& flight, Work&& work);
  void enqueue(const FlightPtr& flight, Stage stage);
  FlightPtr take(Stage stage);
  void join_or_compile(const FlightPtr& flight);
  void finish(const FlightPtr& flight);
  void abandon(const FlightPtr& flight);
  void forget_key(const FlightPtr& flight);
  bool withdraw(std::uint64_t ticket);  ///< false when the answer is on its way
  std::vector<Answer> expire();
  std::vector<Answer> conclude(Lock& lock);
  void count(const std::vector<Answer>& answers);
  void time_one(Lock& lock);
  FairQueue<FlightPtr>& queue(Stage stage) { return queues[static_cast<std::size_t>(stage)]; }
  StageSnapshot& figures(Stage stage) { return stages[static_cast<std::size_t>(stage)]; }
  PipelineSnapshot snapshot() const;

  const std::shared_ptr<Evaluator> evaluator;
  const Deliver deliver;
  const Tick tick;
  const std::size_t compilers;
  const std::size_t artifact_limit;
  const pid_t owner;
  const Clock::time_point started = Clock::now();

  mutable std::mutex mutex;
  std::condition_variable changed;
  bool closing = false;
  std::uint64_t next_ticket = 1;
  std::array<FairQueue<FlightPtr>, kStages> queues;
  std::unordered_map<std::uint64_t, FlightPtr> tickets;
  std::map<std::string, FlightPtr> by_key;  ///< flights that an equal question joins
  std::multimap<Clock::time_point, std::uint64_t> deadlines;
  std::unordered_map<std::uint64_t, double> served;  ///< seconds by owner
  QuietTurns turns;
  PipelineSnapshot counts;
  std::array<StageSnapshot, kStages> stages;
  std::deque<Clock::time_point> recent;  ///< of answers, a minute back
  std::string on_device;                 ///< what the device is busy with; empty: nothing
  std::atomic<double> device_share{0};
  std::vector<std::thread> threads;
};

}  // namespace crucible
