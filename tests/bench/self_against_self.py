"""A kernel against itself: the same source as candidate and as the only baseline, in fresh runners each time.

    .venv/bin/python tests/bench/self_against_self.py rms_norm examples/kernels/rms_norm/fast.cpp --runs 100
    .venv/bin/python tests/bench/self_against_self.py --runs 5          # every task, a known kernel of each

Prints how often the interval contains 1, how often S is within 3 %, how often the lower bound exceeds 1.02, the median
half-width of the interval, and where a step's time goes. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
from pathlib import Path

from one_baseline import evaluator_against

import crucible

KNOWN = Path(__file__).parents[2] / "configs/known_optimizations"


def fast_kernel(task: str) -> Path:
    """Of a task's known kernels one that works a vector at a time, where there is one."""
    known = sorted((KNOWN / task).glob("*.cpp"))
    wide = [path for path in known if "immintrin.h" in path.read_text(encoding="utf-8")]
    return (wide or known)[0]


def measure(task_name: str, file: Path, runs: int, budget: float) -> list[crucible.Evaluation]:
    source = file.read_bytes()
    made: list[crucible.Evaluation] = []
    with tempfile.TemporaryDirectory() as scratch:
        evaluator = evaluator_against(source.decode(), Path(scratch), budget)
        task = evaluator.task(task_name)
        for seed in range(runs):
            evaluation = evaluator.evaluate(task, source, seed, 0, False)
            if evaluation.speedup is None:
                print(f"seed {seed}: {evaluation.verdict.name}: {evaluation.explanation}")
                continue
            made.append(evaluation)
        evaluator.close()
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", nargs="?", default="", help="default: every task")
    parser.add_argument("file", type=Path, nargs="?", help="default: a known kernel of the task")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--budget", type=float, default=5.0, help="seconds for timing one evaluation")
    options = parser.parse_args()
    for task in [options.task] if options.task else sorted(path.name for path in KNOWN.iterdir() if path.is_dir()):
        file = options.file or fast_kernel(task)
        print(f"== {task}: {file.name}")
        report(measure(task, file, options.runs, options.budget), options.runs)


def report(made: list[crucible.Evaluation], runs: int) -> None:
    speedups = [e.speedup for e in made if e.speedup is not None]
    if not speedups:
        print("nothing was measured")
        return
    count = len(speedups)
    halves = [math.log(s.upper / s.lower) / 2 for s in speedups if s.lower > 0]
    print(f"{count} of {runs} measured")
    print(f"interval contains 1: {sum(s.lower <= 1 <= s.upper for s in speedups)} of {count}")
    print(f"S within 3 %:        {sum(abs(s.estimate - 1) <= 0.03 for s in speedups)} of {count}")
    print(f"lower above 1.02:    {sum(s.lower > 1.02 for s in speedups)} of {count}")
    print(f"S: median {statistics.median(s.estimate for s in speedups):.4f}, ", end="")
    print(f"min {min(s.estimate for s in speedups):.4f}, max {max(s.estimate for s in speedups):.4f}")
    if halves:
        print(f"half-width of the interval: median {statistics.median(halves):.3f}")
    print(f"pairs: median {statistics.median(s.pairs for s in speedups)}")
    stages = sorted({stage for e in made for stage in e.stage_seconds})
    for stage in stages:
        print(f"{stage:>10}: median {statistics.median(e.stage_seconds.get(stage, 0) for e in made) * 1000:8.1f} ms")


if __name__ == "__main__":
    main()
