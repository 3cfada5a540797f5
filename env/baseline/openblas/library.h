#pragma once

#include <cblas.h>

namespace crucible::baseline::openblas {

/// The functions of OpenBLAS that this plug-in calls. Loaded when the plug-in is, after the processor type has been
/// settled: older versions pick broken kernels on processors that are newer than they are.
struct Library {
  decltype(&::cblas_sgemm) sgemm = nullptr;
  decltype(&::cblas_sgemv) sgemv = nullptr;
  decltype(&::openblas_set_num_threads) set_num_threads = nullptr;
  decltype(&::openblas_get_config) config = nullptr;
  decltype(&::openblas_get_corename) core = nullptr;
};

/// The loaded library; null when it could not be loaded.
const Library* library();

}  // namespace crucible::baseline::openblas
