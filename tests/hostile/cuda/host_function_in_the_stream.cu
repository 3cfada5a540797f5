// attack: does its work from a host function that the stream calls
// row: own
// task: rms_norm
// allow: not_deployable, wrong_result, correct
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: a host node cannot be replayed without the candidate's host code: it loses its speed
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

struct Later {
  void (*run)(const Later&);
  char rows[sizeof(Rows<float>)];
};
static cudaStream_t side = nullptr;

template <class T>
void run_later(const Later& later) {
  launch_with(&rms_norm_kernel<T>, *(const Rows<T>*)later.rows, side, false);
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  if (side == nullptr) cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking);
  auto* later = new Later;
  later->run = &run_later<T>;
  *(Rows<T>*)later->rows = r;
  return (int)cudaLaunchHostFunc(
      s, [](void* data) { ((Later*)data)->run(*(Later*)data); }, later);
}
RMS_NORM_ENTRY(launch)
