#include "sandbox/launcher/chain.h"

#include <algorithm>

namespace crucible {

DealKernels::DealKernels() : module_(deal_image()) {
  full = module_.function("crucible_deal_full");
  light = module_.function("crucible_deal_light");
  touch = module_.function("crucible_touch");
  null = module_.function("crucible_null");
  before = module_.function("crucible_before");
  after = module_.function("crucible_after");
  probe = module_.function("crucible_probe");
  hold = module_.function("crucible_hold");
}

Chain::Chain(const DealKernels& kernels, const ChainRequest& request, std::array<CUdeviceptr, 3> bases,
             CUdeviceptr sink, const AddCall& add_call)
    : deal_(request.light ? kernels.light : kernels.full),
      grid_(std::max(1u, request.deal_grid)),
      block_(request.light ? 256 : 512),
      bases_(bases) {
  CRUCIBLE_CUDA(cuGraphCreate, &graph_, 0);
  std::vector<CUgraphNode> ends;
  if (request.touched_bytes != 0) {
    CUdeviceptr from = bases_[1];
    std::uint64_t bytes = request.touched_bytes;
    void* arguments[] = {&from, &bytes, &sink, nullptr};
    CUDA_KERNEL_NODE_PARAMS params = {};
    params.func = kernels.touch;
    params.gridDimX = 528;
    params.gridDimY = params.gridDimZ = 1;
    params.blockDimX = 512;
    params.blockDimY = params.blockDimZ = 1;
    params.kernelParams = arguments;
    CUgraphNode node = nullptr;
    CRUCIBLE_CUDA(cuGraphAddKernelNode, &node, graph_, nullptr, 0, &params);
    ends.push_back(node);
  }
  for (std::size_t step = 0; step < request.deals.size(); ++step) {
    CrucibleDeal deal = placed(request.deals[step]);
    void* arguments[] = {&deal, nullptr};
    const CUDA_KERNEL_NODE_PARAMS params = deal_params(arguments);
    CUgraphNode node = nullptr;
    CRUCIBLE_CUDA(cuGraphAddKernelNode, &node, graph_, ends.data(), ends.size(), &params);
    deal_nodes_.push_back(node);
    ends = {node};
    if (step + 1 < request.deals.size()) ends = add_call(graph_, node, step);
    if (ends.empty()) ends = {node};
  }
  CRUCIBLE_CUDA(cuGraphInstantiate, &executable_, graph_, 0);
}

Chain::~Chain() {
  if (executable_ != nullptr) (void)driver().cuGraphExecDestroy(executable_);
  if (graph_ != nullptr) (void)driver().cuGraphDestroy(graph_);
}

CUDA_KERNEL_NODE_PARAMS Chain::deal_params(void** arguments) const {
  CUDA_KERNEL_NODE_PARAMS params = {};
  params.func = deal_;
  params.gridDimX = grid_;
  params.gridDimY = params.gridDimZ = 1;
  params.blockDimX = block_;
  params.blockDimY = params.blockDimZ = 1;
  params.kernelParams = arguments;
  return params;
}

CrucibleDeal Chain::placed(const CrucibleDeal& deal) const {
  CrucibleDeal out = deal;
  out.inputs = std::min<std::uint32_t>(deal.inputs, CRUCIBLE_MAX_DEALT_INPUTS);
  out.outputs = std::min<std::uint32_t>(deal.outputs, CRUCIBLE_MAX_DEALT_OUTPUTS);
  for (std::uint32_t i = 0; i < out.inputs; ++i) {
    out.input[i].live += bases_[0];
    out.input[i].hidden += bases_[1];
  }
  for (std::uint32_t i = 0; i < out.outputs; ++i) {
    out.output[i].live += bases_[0];
    out.output[i].hidden += bases_[2];
  }
  return out;
}

void Chain::rekey(std::span<const CrucibleDeal> deals) {
  for (std::size_t i = 0; i < deal_nodes_.size() && i < deals.size(); ++i) {
    CrucibleDeal deal = placed(deals[i]);
    void* arguments[] = {&deal, nullptr};
    const CUDA_KERNEL_NODE_PARAMS params = deal_params(arguments);
    CRUCIBLE_CUDA(cuGraphExecKernelNodeSetParams, executable_, deal_nodes_[i], &params);
  }
}

void Chain::upload(CUstream stream) const { CRUCIBLE_CUDA(cuGraphUpload, executable_, stream); }
void Chain::launch(CUstream stream) const { CRUCIBLE_CUDA(cuGraphLaunch, executable_, stream); }

}  // namespace crucible
