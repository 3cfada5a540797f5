#include "env/task/structure.h"

#include "env/task/values.h"

namespace crucible {

std::vector<std::pair<std::string, std::function<void(FillSite&)>>> structure_rules() { return {}; }

}  // namespace crucible
