#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace crucible {

struct FillSite;

/// Value rules whose data obey production's constraints (positions, block tables, routing); see structure.cpp.
std::vector<std::pair<std::string, std::function<void(FillSite&)>>> structure_rules();

}  // namespace crucible
