#!/bin/bash
# Builds everything, runs the tests that need a GPU, then the benchmarks, and prints one table.
#   tests/gpu/run_all.sh [BUILD_DIRECTORY]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build-gpu}
if ! ls /dev/nvidia0 > /dev/null 2>&1; then
  echo "no NVIDIA GPU is here: nothing to test" >&2
  exit 1
fi
cmake -S "$root" -B "$build" -DCRUCIBLE_BUILD_CUDA=ON -DCRUCIBLE_BUILD_PYTHON=OFF -DCMAKE_BUILD_TYPE=Release > "$build.configure.log" 2>&1 ||
  { tail -20 "$build.configure.log"; exit 1; }
cmake --build "$build" -j "$(nproc)" > "$build.log" 2>&1 || { tail -40 "$build.log"; exit 1; }
cmake --build "$build" -j "$(nproc)" --target gpu-fixtures >> "$build.log" 2>&1
ctest --test-dir "$build" -L gpu --output-on-failure
export CRUCIBLE_LIBEXEC=$build/package/crucible/_libexec CRUCIBLE_GPU_FIXTURES=$build/tests/gpu/fixtures
"$build/tests/gpu/crucible-chain-bench" 8
kernels=()
# The plain kernel of each task, then its baseline against itself.
for pair in rms_norm=norms fused_add_rms_norm=norms layer_norm=norms silu_and_mul=activations softmax=softmax; do
  task=${pair%=*}
  kernels+=("$task=$root/configs/tasks/cuda/$task.seed.cu" "$task=$root/env/baseline/cuda/${pair#*=}.cu")
done
for fixture in honest programmatic two_kernels workspace_fork cluster missing_wait two_at_once prefetch_next stray_write \
  side_stream endless illegal_address; do
  kernels+=("rms_norm=$root/tests/gpu/fixtures/$fixture.cu")
done
"$build/tests/gpu/crucible-gpu-evaluate" "$root/configs" "${kernels[@]}"
