#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sandbox/launcher/device.h"
#include "sandbox/launcher/launch_record.h"

namespace crucible {

/// One call of the candidate as a stream capture saw it. Nodes carry no patches yet.
struct CapturedCall {
  std::vector<RecordedNode> nodes;
  std::vector<RecordedEdge> edges;
  std::vector<CUfunction> functions;  ///< parallel to nodes; null for other nodes than kernels
  CUmodule module = nullptr;          ///< of the first kernel; null when there is none
  CUlibrary library = nullptr;
  std::string not_replayable;
};

/// Captures what `call` launches into `stream`, between two kernels of ours: a programmatic dependency exists only as
/// edge data, so something must stand on its other side. `mode` is thread-local or relaxed.
CapturedCall capture_call(CUstream stream, CUfunction before, CUfunction after, CUstreamCaptureMode mode,
                          const std::function<int()>& call);

}  // namespace crucible
