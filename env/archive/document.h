#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "env/archive/archive.h"

namespace crucible::archive {

/// The portable form of an archive: JSON, sources as text, features as base64.
std::string to_document(const std::vector<ArchivedKernel>& kernels, const std::vector<ArchiveSnapshot>& snapshots);

/// Kernels of a document. Throws std::runtime_error that names the kernel and the key.
std::vector<ArchivedKernel> from_document(std::string_view document);

}  // namespace crucible::archive
