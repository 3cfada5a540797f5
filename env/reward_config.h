#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reward/reward_model.h"

namespace crucible {

/// Where one value of a configuration came from: "default", "rewards/default.yaml:12", "command line".
struct ValueOrigin {
  std::string key;
  std::string value;
  std::string origin;
};

struct LoadedReward {
  RewardSettings settings;
  std::vector<ValueOrigin> origins;
};

/// Loads a reward configuration by name (config_directory/rewards/NAME.yaml) or path, then applies `overrides`
/// (dotted key, value; they win). Unknown keys, wrong types and nonsense values throw ConfigError naming file, line and
/// key, with did-you-mean. `text` overloads parse a YAML or JSON text instead (`file` names it in messages).
LoadedReward load_reward(std::string_view name_or_path, const std::string& config_directory,
                         const std::vector<std::pair<std::string, std::string>>& overrides = {});
LoadedReward parse_reward(const std::string& text, const std::string& file,
                          const std::vector<std::pair<std::string, std::string>>& overrides = {});

}  // namespace crucible
