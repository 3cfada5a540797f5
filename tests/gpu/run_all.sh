#!/bin/bash
# Runs the tests that need a GPU, then whole evaluations and the benchmarks, each part within a time of its own, and
# prints one short table. What each part printed is kept in a log of its own.
#   tests/gpu/run_all.sh [BUILD_DIRECTORY]
# CRUCIBLE_GPU_PREBUILT=1: BUILD_DIRECTORY was filled elsewhere; nothing is built. CRUCIBLE_GPU_LOGS: where logs go.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build-gpu}
logs=${CRUCIBLE_GPU_LOGS:-$build/logs}
if ! ls /dev/nvidia0 > /dev/null 2>&1; then
  echo "no NVIDIA GPU is here: nothing to test" >&2
  exit 1
fi
mkdir -p "$logs"
failed=0
rows=()
# part NAME SECONDS COMMAND…: its log, its time, whether it went well; never longer than SECONDS.
part() {
  local name=$1 limit=$2 begin=$SECONDS
  shift 2
  timeout -k 5 "$limit" "$@" > "$logs/$name.log" 2>&1
  local code=$?
  [ $code -eq 0 ] || failed=1
  rows+=("$(printf '%-22s %-10s %4d s' "$name" "$([ $code -eq 0 ] && echo ok || echo "FAILED $code")" $((SECONDS - begin)))")
}
if [ -z "${CRUCIBLE_GPU_PREBUILT:-}" ]; then
  part configure 60 cmake -S "$root" -B "$build" -DCRUCIBLE_BUILD_CUDA=ON -DCRUCIBLE_BUILD_PYTHON=OFF -DCMAKE_BUILD_TYPE=Release
  part build 900 cmake --build "$build" -j "$(nproc)" --target crucible-judge-cuda crucible-launcher crucible-runner-cuda \
    crucible-warden crucible-jail-init crucible-cudac crucible-nvrtc crucible_kernel_header crucible_cuda_baselines \
    crucible-gpu-evaluate crucible-gpu-suspects crucible-chain-bench cuda_gpu_test gpu-fixtures
fi
export CRUCIBLE_LIBEXEC=$build/package/crucible/_libexec CRUCIBLE_GPU_FIXTURES=$build/tests/gpu/fixtures
fixtures=$root/tests/gpu/fixtures
tuned() { echo "$1=$root/env/baseline/cuda/$2.cu@correct*$3"; }
expect() { for name in $2; do echo "rms_norm=$fixtures/$name.cu@$1"; done; }

# evaluate NAME SECONDS SOURCES…: begins no evaluation after SECONDS, and then prints its table.
evaluate() {
  local name=$1 limit=$2
  shift 2
  part "$name" $((limit + 15)) "$build/tests/gpu/crucible-gpu-evaluate" "$root/configs" "$limit" "$@"
}

part tests "${CRUCIBLE_GPU_TEST_SECONDS:-60}" "$build/tests/gpu/cuda_gpu_test" -d
# Verdicts: kernels whose worth is known, and the plain kernel of each task.
mapfile -t known < <(
  expect correct "honest programmatic two_kernels workspace_fork cluster"
  expect "correct|timed_out" resident
  echo "rms_norm=$root/tests/gpu/declared/rms_norm.cu@correct*5"
  echo "rms_norm=$root/tests/gpu/declared/rms_norm_wrong.cu@wrong_result"
  echo "rms_norm=$fixtures/honest.cu@correct*3"
  expect not_deployable "host_wait sometimes_aside"
  expect "not_deployable|wrong_result" "side_stream capture_nothing"
  expect "wrong_result|not_deployable|integrity_violation" "missing_wait two_at_once stray_write"
  expect "correct|wrong_result|integrity_violation" prefetch_next
  expect correct allocates
  expect "crashed|wrong_result" illegal_address
  expect timed_out endless
  expect correct honest
)
evaluate verdicts "${CRUCIBLE_GPU_VERDICT_SECONDS:-150}" "${known[@]}"
# Every task: its plain kernel, and a tuned one against itself.
tasks=()
for pair in fused_add_rms_norm=norms layer_norm=norms silu_and_mul=activations softmax=softmax \
  rotary_embedding=rotary topk_softmax=router paged_decode_attention=decode_attention gemm=gemm gemm_gelu=gemm \
  embedding=serving moe_sum=serving merge_attn_states=serving reshape_and_cache=serving per_token_group_quant_fp8=quantization moe_align_block_size=alignment; do
  task=${pair%=*}
  tasks+=("$task=$root/configs/tasks/cuda/$task.seed.cu@correct" "$(tuned "$task" "${pair#*=}" 2)")
done
evaluate tasks "${CRUCIBLE_GPU_TASK_SECONDS:-200}" "${tasks[@]}"
# Hostile programs against their honest twin, and honest ones that look suspicious.
part suites "${CRUCIBLE_GPU_SUITE_SECONDS:-240}" "$build/tests/gpu/crucible-gpu-suspects" "$root/configs" \
  "$root/tests/hostile/cuda" "$root/tests/benign/cuda"
part chains "${CRUCIBLE_GPU_CHAIN_SECONDS:-60}" "$build/tests/gpu/crucible-chain-bench" 6 16 512
printf '%s\n' "${rows[@]}"
for table in verdicts tasks; do sed -n '/^kernel  /,$p' "$logs/$table.log" 2> /dev/null; done
grep -E '^(hostile|honest) |^hostile:|WRONG' "$logs/suites.log" 2> /dev/null
exit $failed
