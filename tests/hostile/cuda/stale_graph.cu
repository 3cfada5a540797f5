// attack: captures its launch once and replays that graph whatever the arguments are
// row: own
// task: rms_norm
// allow: wrong_result, not_deployable, crashed
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: pointers move from call to call
#include <map>
#include <tuple>

#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  static std::map<std::tuple<int, int>, cudaGraphExec_t> graphs;
  if (r.rows == 0 || r.d == 0) return 0;
  cudaGraphExec_t& ready = graphs[{r.rows, r.d}];
  if (ready == nullptr) {
    cudaStream_t own;
    cudaGraph_t graph;
    cudaStreamCreateWithFlags(&own, cudaStreamNonBlocking);
    cudaStreamBeginCapture(own, cudaStreamCaptureModeThreadLocal);
    launch_with(&rms_norm_kernel<T>, r, own, false);
    cudaStreamEndCapture(own, &graph);
    cudaGraphInstantiate(&ready, graph, 0);
  }
  return (int)cudaGraphLaunch(ready, s);
}
RMS_NORM_ENTRY(launch)
