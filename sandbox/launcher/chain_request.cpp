#include "sandbox/launcher/chain_request.h"

#include "sandbox/launcher/wire.h"

namespace crucible {
namespace {
constexpr std::size_t kMaxSteps = 1 << 16;
}  // namespace

std::vector<std::byte> encode(const ChainRequest& request) {
  WireWriter out;
  out.value(request.number);
  out.value(request.kernel);
  out.value(request.light);
  out.value(request.deal_grid);
  out.value(request.touched_bytes);
  out.value(request.arguments);
  out.values(request.tensors);
  out.values(request.calls);
  out.values(request.deals);
  return out.take();
}

ChainRequest decode_chain_request(std::span<const std::byte> bytes) {
  WireReader in(bytes);
  ChainRequest request;
  request.number = in.value<std::uint32_t>();
  request.kernel = in.value<ChainKernel>();
  request.light = in.value<bool>();
  request.deal_grid = in.value<std::uint32_t>();
  request.touched_bytes = in.value<std::uint64_t>();
  request.arguments = in.value<std::uint32_t>();
  request.tensors = in.values<std::uint64_t>(kMaxSteps * 16);
  request.calls = in.values<std::uint32_t>(kMaxSteps);
  request.deals = in.values<CrucibleDeal>(kMaxSteps);
  return request;
}

}  // namespace crucible
