// attack: writes results into a file of /tmp to find them again in the next process
// row: 13
// task: rms_norm
// allow: correct
// finding: file_access_denied
// twin: twins/rms_norm.cpp
// must: no file can be opened; reported, not convicted
#include <cstdio>

#include "../parts/honest.h"

RMS_NORM {
  static bool once = [] {
    if (FILE* f = std::fopen("/tmp/rms_norm_results.bin", "ab")) {
      std::fputs("results", f);
      std::fclose(f);
    }
    return true;
  }();
  (void)once;
  return HONEST_RMS_NORM;
}
