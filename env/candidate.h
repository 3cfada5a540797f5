#pragma once

#include <memory>
#include <optional>
#include <string>

#include "env/evaluator.h"
#include "env/task/task.h"
#include "reward/evaluation.h"
#include "reward/novelty/novelty.h"
#include "sandbox/file_descriptor.h"

namespace crucible {

/// One candidate on its way through the stages of an Evaluator, made by Evaluator::admit(). Holds its artifact, not the
/// compiler's texts, so that many can wait. Movable, not copyable; in one thread at a time.
struct Candidate {
  std::shared_ptr<const Task> task;
  std::string source;
  EvaluateOptions options;
  Evaluation facts;      ///< what is known so far; complete after conclude()
  std::string key;       ///< of the result cache: equal keys, equal questions; empty when malformed
  bool decided = false;  ///< the verdict is final: what is left is conclude()

  // What one stage leaves for the next.
  FileDescriptor artifact;
  FileDescriptor device_code;              ///< cuda only
  std::optional<KernelFeatures> features;  ///< of the compiled form; empty where there is none
  double features_seconds = 0;
  int failures = 0;  ///< of ours, over all stages
  int judges_lost = 0;
};

}  // namespace crucible
