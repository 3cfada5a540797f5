#pragma once

#include <string>

namespace crucible::gpu_test {

/// The text of a file, empty when it cannot be read.
std::string text_of(const std::string& path);

/// A kernel's file as one text: a candidate is one text, so headers that lie beside it are put in their place.
std::string self_contained(const std::string& path);

}  // namespace crucible::gpu_test
