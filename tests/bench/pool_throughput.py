"""How many sources that are never timed a pool judges, beside what one compiler after the other would do.

    .venv/bin/python tests/bench/pool_throughput.py [--sources 48] [--envs 16]

One compiler's rate is that of the same sort of sources, fresh, through a pool with one compiler whose stage was busy all
the time: 1 / (mean seconds of the compile stage). Goal: at least 0.9 × cores × that.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time

from crucible.vector import KernelVectorEnv

ENTRY = "int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, void*)"
HEAVY = "#include <algorithm>\n#include <cmath>\n#include <vector>\n#include <crucible/kernel.h>\n"


def wrong(number: int) -> str:
    loop = "std::vector<float> v(64); std::sort(v.begin(), v.end());"
    return f'{HEAVY}extern "C" {ENTRY} {{ {loop} return {number} + (v[0] > 1e30f); }}\n'


def broken(number: int) -> str:
    return f'{HEAVY}extern "C" {ENTRY} {{ return undeclared_{number}; }}\n'


def run(kind: str, count: int, envs_count: int, compilers: int, offset: int) -> dict[str, float]:
    make = wrong if kind == "wrong" else broken
    with tempfile.TemporaryDirectory() as folder:
        envs = KernelVectorEnv(
            "rms_norm", envs_count, backend="cpu", run_directory=folder, compilers=compilers, batch_size=1
        )
        try:
            envs.reset(seed=[1] * envs_count)
            envs.step([wrong(offset - 1)] * envs_count)  # pools and judge are ready
            before = envs.stats()["stages"]
            begin = time.perf_counter()
            sent = min(count, envs_count)
            envs.send([make(offset + i) for i in range(sent)], range(sent))
            for _ in range(count):
                env = envs.recv()[4]["env_id"]
                if sent < count:
                    envs.send([make(offset + sent)], env)
                    sent += 1
            seconds = time.perf_counter() - begin
            stages = {s["name"]: s["busy_seconds"] - b["busy_seconds"] for s, b in
                      zip(envs.stats()["stages"], before, strict=True)}  # fmt: skip
            return {"rate": count / seconds, **{name: busy / count for name, busy in stages.items()}}
        finally:
            envs.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=48)
    parser.add_argument("--envs", type=int, default=16)
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    for k, kind in enumerate(("broken", "wrong")):
        alone = run(kind, max(8, options.sources // 3), options.envs, 1, 1000 + 10000 * k)
        pooled = run(kind, options.sources, options.envs, 0, 5000 + 10000 * k)
        one = 1 / alone["compile"]
        print(json.dumps({"kind": kind, "cores": cores, "one_compiler_a_second": round(one, 3),
                          "pool_a_second": round(pooled["rate"], 3),
                          "share_of_cores_times_one": round(pooled["rate"] / (cores * one), 3),
                          "seconds_each": {k: round(v, 4) for k, v in pooled.items() if k != "rate"}}))  # fmt: skip


if __name__ == "__main__":
    main()
