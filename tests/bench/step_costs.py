"""Where the time of one step goes: a repeated source, fresh sources right and wrong, and the environment's own memory.

    .venv/bin/python tests/bench/step_costs.py rms_norm --runs 8

Every fresh source differs in a comment, so nothing answers from the cache. Medians. Run it on a quiet machine with the
task warm.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from crucible.environment import KernelEnv

KERNELS = Path(__file__).resolve().parents[2] / "examples" / "kernels"
STAGES = ("compile", "novelty", "check", "time")


def resident_megabytes() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def timed_step(env: KernelEnv, source: str, seed: int) -> tuple[float, dict[str, float]]:
    env.reset(seed=seed)
    begin = time.perf_counter()
    env.step(source)
    took = time.perf_counter() - begin
    assert env.last_record is not None
    return took, dict(env.last_record.evaluation.stage_seconds)


def report_fresh(env: KernelEnv, name: str, source: str, runs: int) -> None:
    beyond, outside, stages = [], [], []
    for i in range(runs):
        took, spent = timed_step(env, f"{source}\n// {name} {i}\n", 1000 + i)
        beyond.append(took - spent["compiler"])
        outside.append(took - sum(spent.get(stage, 0.0) for stage in STAGES))
        stages.append(spent)
    print(f"{name}: beyond the compiler {1e3 * statistics.median(beyond):.1f} ms,", end=" ")
    print(f"outside all stages {1e3 * statistics.median(outside):.2f} ms")
    for stage in sorted({stage for spent in stages for stage in spent}):
        print(f"{stage:>12} {1e3 * statistics.median(s.get(stage, 0.0) for s in stages):9.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", nargs="?", default="rms_norm", choices=sorted(p.name for p in KERNELS.iterdir()))
    parser.add_argument("--runs", type=int, default=8)
    options = parser.parse_args()
    sources = {p.stem: p.read_text(encoding="utf-8") for p in sorted((KERNELS / options.task).glob("*.cpp"))}
    with tempfile.TemporaryDirectory() as run:
        env = KernelEnv(options.task, backend="cpu", run_directory=run)
        timed_step(env, sources["fast"], 1)
        again = [timed_step(env, sources["fast"], 1)[0] for _ in range(10 * options.runs)]
        print(f"a repeated source: {1e3 * statistics.median(again):.2f} ms")
        for name in ("fast", "slow", "wrong", "no_compile"):
            report_fresh(env, name, sources[name], options.runs)
        print(f"resident memory of the environment's process: {resident_megabytes():.0f} MB")
        env.close()


if __name__ == "__main__":
    main()
