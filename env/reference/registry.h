#pragma once

#include <memory>
#include <string>

#include "env/reference/reference.h"

namespace crucible {

/// Makes `reference` the oracle of `task`, for tasks of a program's own. Throws std::invalid_argument when `task` has
/// one already. Thread-safe.
void register_reference(const std::string& task, std::shared_ptr<const Reference> reference);

}  // namespace crucible
