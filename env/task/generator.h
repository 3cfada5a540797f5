#pragma once

#include <vector>

#include "env/task/declaration.h"
#include "env/task/task.h"

namespace crucible {

/// Layouts and data of a task from its declared arguments.
class DeclaredGenerator final : public Generator {
 public:
  explicit DeclaredGenerator(std::vector<ArgumentDeclaration> arguments);

  CallLayout layout(const Workload& workload) const override;
  CallContents fill(const Workload& workload, const CallLayout& layout, std::string_view family,
                    const std::array<std::uint8_t, 32>& key) const override;

 private:
  std::vector<ArgumentDeclaration> arguments_;
};

}  // namespace crucible
