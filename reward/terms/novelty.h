#pragma once

#include <string>

#include "reward/evaluation.h"

namespace crucible {

/// When novelty is paid and when replication is charged (DESIGN.md, "The default reward").
struct NoveltyRules {
  double gate = 0.9;                ///< N counts from LCB ≥ max(1, gate · best known)
  double replica_similarity = 0.9;  ///< P = 1 from this similarity to a known kernel …
  double replica_margin = 0.03;     ///< … unless LCB is more than this share above that kernel's speedup
};

/// N and P of the design, and why. N ∈ [0, 1], P ∈ {0, 1}, N·P = 0.
struct NoveltyVerdict {
  double novelty = 0;
  bool replica = false;
  std::string why;
};

/// Decides from recorded facts and the lower bound of the speedup. A failed analyser means N = 0. Nothing is paid for a
/// withheld speedup.
NoveltyVerdict judge_novelty(const Evaluation& evaluation, const NoveltyRules& rules);

}  // namespace crucible
