"""Two kernels 3 % apart, ordered while a neighbour comes and goes.

    .venv/bin/python tests/bench/ordering.py --runs 10

The slower one does 3 % of the faster one's work twice. The faster is the candidate and the slower the only baseline, or
the other way round, in turn; between and during evaluations another process computes and streams memory in bursts of
random length. Prints how often S is on the right side of 1, and how often the whole interval is on the wrong one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
from one_baseline import evaluator_against

SHARE = 3  # per cent

# Compute-bound on purpose: what is done twice costs as much the second time.
KERNEL = """
#include <crucible/kernel.h>
#include <cmath>
#include <cstdint>
namespace {
struct Bf16 { std::uint16_t bits; };
inline float to_float(float x) { return x; }
inline float to_float(Bf16 x) { return __builtin_bit_cast(float, std::uint32_t{x.bits} << 16); }
inline void put(float* to, float x) { *to = x; }
inline void put(Bf16* to, float x) {
  const std::uint32_t u = __builtin_bit_cast(std::uint32_t, x);
  const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
  to->bits = static_cast<std::uint16_t>(nan ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}
template <class T> void part(T* y, const T* gate, const T* up, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = to_float(gate[i]);
    put(y + i, g / (1 + std::exp(-g)) * to_float(up[i]));
  }
}
template <class T> int run(DLTensor* out, const DLTensor* input) {
  const std::int64_t width = out->shape[out->ndim - 1];
  std::int64_t rows = 1, middle = 1;
  for (int i = 0; i + 1 < out->ndim; ++i) rows *= middle = out->shape[i];
  if (width == 0) return 0;
  T* y = reinterpret_cast<T*>(static_cast<char*>(out->data) + out->byte_offset);
  const T* x = reinterpret_cast<const T*>(static_cast<const char*>(input->data) + input->byte_offset);
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* row = x;
    if (input->ndim == 2) row += r * input->strides[0];
    if (input->ndim == 3) row += r / middle * input->strides[0] + r % middle * input->strides[1];
    part(y + r * width, row, row + width, width);
    asm volatile("" : : : "memory");
    part(y + r * width, row, row + width, width * AGAIN / 100);
  }
  return 0;
}
}  // namespace
extern "C" int silu_and_mul(DLTensor* out, const DLTensor* input, void*) {
  return out->dtype.code == kDLBfloat ? run<Bf16>(out, input) : run<float>(out, input);
}
"""


def neighbour(stop: Event, seed: int) -> None:
    """Bursts of arithmetic and of memory traffic, with pauses."""
    rng = random.Random(seed)
    small, large = np.ones(4096), np.ones(4 << 20)
    while not stop.is_set():
        end = time.monotonic() + rng.uniform(0.05, 1.5)
        array = small if rng.random() < 0.5 else large
        while time.monotonic() < end and not stop.is_set():
            np.sqrt(array, out=array)
        stop.wait(rng.uniform(0.05, 2.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4, help="evaluations, half of them each way round")
    parser.add_argument("--budget", type=float, default=5.0, help="seconds for timing one evaluation")
    parser.add_argument("--quiet", action="store_true", help="without the neighbour")
    options = parser.parse_args()
    fast, slow = KERNEL.replace("AGAIN", "0"), KERNEL.replace("AGAIN", str(SHARE))
    stop = multiprocessing.Event()
    other = multiprocessing.Process(target=neighbour, args=(stop, 1), daemon=True)
    if not options.quiet:
        other.start()
    right = wrong_for_sure = measured = 0
    try:
        for label, candidate, baseline, sign in (("fast", fast, slow, 1), ("slow", slow, fast, -1)):
            with tempfile.TemporaryDirectory() as scratch:
                evaluator = evaluator_against(baseline, Path(scratch), options.budget)
                task = evaluator.task("silu_and_mul")
                for seed in range((options.runs + 1) // 2):
                    facts = evaluator.evaluate(task, candidate.encode(), seed, 0, False)
                    s = facts.speedup
                    if s is None:
                        print(f"{label} {seed}: {facts.verdict.name}: {facts.explanation}")
                        continue
                    measured += 1
                    right += (s.estimate - 1) * sign > 0
                    wrong_for_sure += s.upper < 1 if sign > 0 else s.lower > 1
                    print(f"{label} {seed}: S = {s.estimate:.4f} [{s.lower:.4f}, {s.upper:.4f}], {s.pairs} pairs")
                evaluator.close()
    finally:
        stop.set()
        if not options.quiet:
            other.join()
    print(f"on the right side of 1: {right} of {measured}; interval wholly on the wrong side: {wrong_for_sure}")


if __name__ == "__main__":
    main()
