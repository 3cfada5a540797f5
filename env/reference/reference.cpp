#include "env/reference/reference.h"

namespace crucible {

std::optional<std::string> Reference::check_custom(const CallView&, const CallView&) const { return std::nullopt; }

}  // namespace crucible
