"""What a pool of 64 environments costs beside compiling, checking and timing.

    .venv/bin/python tests/bench/pool_overhead.py [--envs 64] [--rounds 10]

Steps whose sources are answered from the result cache, or are malformed, or are equal to another in flight need no
compiler and no device: what they take is the pool's own. Goal: at most 5 ms a step.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time

from crucible.vector import KernelVectorEnv

ENTRY = "int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, void*)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    n = options.envs
    with tempfile.TemporaryDirectory() as run:
        envs = KernelVectorEnv("rms_norm", n, backend="cpu", run_directory=run, time_budget_seconds=0.5)
        try:
            wrong = f'#include <crucible/kernel.h>\nextern "C" {ENTRY} {{ return 7; }}\n'
            groups = {
                "malformed": [""] * n,
                "cached, did not compile": [f"no kernel {i % 8}" for i in range(n)],
                "cached, wrong result": [wrong + f"// {i % 4}\n" for i in range(n)],
                "cached, correct": [envs.single_action_space.seed_kernel] * n,  # type: ignore[attr-defined]
            }
            for name, sources in groups.items():
                envs.reset(seed=[1] * n)
                envs.step(sources)  # fills the cache
                laps = []
                for _ in range(options.rounds):
                    envs.reset(seed=[1] * n)
                    begin = time.perf_counter()
                    infos = envs.step(sources)[4]
                    laps.append((time.perf_counter() - begin) / n * 1e3)
                known = "malformed" in name or bool(infos["final_info"]["cached"].all())
                print(json.dumps({"what": name, "envs": n, "ms_a_step": round(statistics.median(laps), 3),
                                  "worst_ms": round(max(laps), 3), "all_from_cache": known}), flush=True)  # fmt: skip
            for stage in envs.stats()["stages"]:
                each = 1e3 * stage["busy_seconds"] / max(1, stage["done"])
                print(json.dumps({"stage": stage["name"], "done": stage["done"], "ms_each": round(each, 3)}))
        finally:
            envs.close()


if __name__ == "__main__":
    main()
