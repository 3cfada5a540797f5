#pragma once

#include <string>
#include <utility>
#include <vector>

#include "reward/reward_model.h"

namespace crucible {

/// Collects terms. The reward is their sum in the order given, so that it can be added up again bit for bit.
class TermList {
 public:
  void add(std::string name, double value, std::string why) {
    reward_.reward += value;
    reward_.terms.push_back({std::move(name), value, std::move(why)});
  }
  Reward take() { return std::move(reward_); }

 private:
  Reward reward_;
};

}  // namespace crucible
