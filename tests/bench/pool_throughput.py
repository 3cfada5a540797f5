"""How many sources that are never timed a pool judges, beside what one compiler after the other would do.

    .venv/bin/python tests/bench/pool_throughput.py [--sources 48] [--envs 16]

One compiler's rate is that of fresh sources of the same sort through a pool with one compiler: 1 / (mean seconds of its
compile stage). Goal: at least 0.9 × cores × that.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time

from crucible.evaluator import Evaluator
from crucible.vector import KernelVectorEnv

ENTRY = "int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, void*)"
HEAVY = "#include <algorithm>\n#include <cmath>\n#include <vector>\n#include <crucible/kernel.h>\n"


def wrong(number: int) -> str:
    loop = "std::vector<float> v(64); std::sort(v.begin(), v.end());"
    return f'{HEAVY}extern "C" {ENTRY} {{ {loop} return {number} + (v[0] > 1e30f); }}\n'


def broken(number: int) -> str:
    return f'{HEAVY}extern "C" {ENTRY} {{ return undeclared_{number}; }}\n'


def run(evaluator: Evaluator, kind: str, count: int, places: int, compilers: int, offset: int) -> dict[str, float]:
    """Sources a second, and seconds of each stage for one source."""
    make = wrong if kind == "wrong" else broken
    envs = KernelVectorEnv("rms_norm", places, evaluator=evaluator, compilers=compilers, batch_size=1)
    try:
        envs.reset(seed=[1] * places)
        envs.step([wrong(offset - 1)] * places)  # pools and judge are ready
        before = envs.stats()["stages"]
        begin = time.perf_counter()
        sent = min(count, places)
        envs.send([make(offset + i) for i in range(sent)], range(sent))
        for _ in range(count):
            env = envs.recv()[4]["env_id"]
            if sent < count:
                envs.send([make(offset + sent)], env)
                sent += 1
        seconds = time.perf_counter() - begin
        after = {stage["name"]: stage["busy_seconds"] for stage in envs.stats()["stages"]}
        each = {stage["name"]: (after[stage["name"]] - stage["busy_seconds"]) / count for stage in before}
        return {"rate": count / seconds, **each}
    finally:
        envs.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=48)
    parser.add_argument("--envs", type=int, default=16)
    parser.add_argument("--kinds", default="broken,wrong")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, Evaluator(backend="cpu", run_directory=folder) as evaluator:
        for k, kind in enumerate(options.kinds.split(",")):
            alone = run(evaluator, kind, max(6, options.sources // 3), options.envs, 1, 1000 + 10000 * k)
            pooled = run(evaluator, kind, options.sources, options.envs, 0, 5000 + 10000 * k)
            one = 1 / alone["compile"]
            rate = pooled.pop("rate")
            print(json.dumps({
                "kind": kind,
                "cores": cores,
                "one_compiler_a_second": round(one, 3),
                "pool_a_second": round(rate, 3),
                "share_of_cores_times_one": round(rate / (cores * one), 3),
                "seconds_each": {name: round(value, 4) for name, value in pooled.items()},
            }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
