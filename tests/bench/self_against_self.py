"""A kernel against itself: the same source as candidate and as the only baseline, in fresh runners each time.

    .venv/bin/python tests/bench/self_against_self.py rms_norm examples/kernels/rms_norm/fast.cpp --runs 100

Prints how often the interval contains 1, how often S is within 3 %, how often the lower bound exceeds 1.02, the median
half-width of the interval, and where a step's time goes. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import tempfile
from pathlib import Path

import crucible
from crucible import _core
from crucible.configuration import config_directory


def libexec_with_one_baseline(folder: Path, source: Path) -> None:
    """The package's helpers, and one plug-in: `source` compiled as a candidate is."""
    real = Path(_core.libexec_directory())
    for helper in real.iterdir():
        if helper.name != "baselines":
            (folder / helper.name).symlink_to(helper)
    (folder / "baselines").mkdir()
    wrapped = folder / "self.cpp"
    wrapped.write_text(
        source.read_text(encoding="utf-8")
        + '\nextern "C" const char* crucible_baseline_name() { return "self"; }'
        + '\nextern "C" const char* crucible_baseline_version() { return "1"; }\n',
        encoding="utf-8",
    )
    flags = ["-std=c++20", "-O3", "-march=native", "-fopenmp", "-fPIC", "-shared"]
    include = real.parent / "_include"
    plugin = folder / "baselines" / "self.so"
    subprocess.run(["g++", *flags, f"-I{include}", str(wrapped), "-o", str(plugin)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task")
    parser.add_argument("file", type=Path)
    parser.add_argument("--runs", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        libexec = Path(scratch) / "libexec"
        libexec.mkdir()
        libexec_with_one_baseline(libexec, options.file)
        settings = _core.EvaluatorOptions()
        settings.backend = "cpu"
        settings.libexec = str(libexec)
        settings.config_directory = config_directory()
        settings.run_directory = str(Path(scratch) / "run")
        evaluator = _core.Evaluator(settings)
        task = evaluator.task(options.task)
        source = options.file.read_bytes()
        made: list[crucible.Evaluation] = []
        for seed in range(options.runs):
            evaluation = evaluator.evaluate(task, source, seed, 0, False)
            if evaluation.speedup is None:
                print(f"seed {seed}: {evaluation.verdict.name}: {evaluation.explanation}")
                continue
            made.append(evaluation)
        evaluator.close()
    report(made, options.runs)


def report(made: list[crucible.Evaluation], runs: int) -> None:
    speedups = [e.speedup for e in made if e.speedup is not None]
    if not speedups:
        raise SystemExit("nothing was measured")
    count = len(speedups)
    halves = [math.log(s.upper / s.lower) / 2 for s in speedups if s.lower > 0]
    print(f"{count} of {runs} measured")
    print(f"interval contains 1: {sum(s.lower <= 1 <= s.upper for s in speedups)} of {count}")
    print(f"S within 3 %:        {sum(abs(s.estimate - 1) <= 0.03 for s in speedups)} of {count}")
    print(f"lower above 1.02:    {sum(s.lower > 1.02 for s in speedups)} of {count}")
    print(f"S: median {statistics.median(s.estimate for s in speedups):.4f}, ", end="")
    print(f"min {min(s.estimate for s in speedups):.4f}, max {max(s.estimate for s in speedups):.4f}")
    print(f"half-width of the interval: median {statistics.median(halves):.3f}")
    print(f"pairs: median {statistics.median(s.pairs for s in speedups)}")
    stages = sorted({stage for e in made for stage in e.stage_seconds})
    for stage in stages:
        print(f"{stage:>10}: median {statistics.median(e.stage_seconds.get(stage, 0) for e in made) * 1000:8.1f} ms")


if __name__ == "__main__":
    main()
