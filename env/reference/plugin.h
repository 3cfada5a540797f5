#pragma once

#include <memory>
#include <string>

#include "env/reference/reference.h"

namespace crucible {

/// An oracle from a shared library of the user's, for tasks outside this repository. The library is trusted: it is
/// loaded into every process that makes references.
///
/// It exports, with C linkage and the very signature of the task's entry point,
///   <task>_reference   writes the exact results, and
///   <task>_magnitude   (optional) writes A of each element, the sum of the magnitudes that were added; without it A =
///   |result|.
/// Every floating-point tensor arrives dense and as float64 (DLPack code 2, 64 bits), integers in their own type;
/// outputs are to be written in the same form, inout tensors hold the input. Integer outputs are compared exactly. The
/// stream is NULL. Both return 0, and both are called from several threads.
///
/// Throws std::runtime_error saying why `library` cannot serve; compute() throws when a function does not return 0.
std::shared_ptr<const Reference> load_reference(const std::string& library, const std::string& task);

}  // namespace crucible
