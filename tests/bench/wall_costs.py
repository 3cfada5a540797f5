"""What the walls cost a step: milliseconds for each part, and the whole against no walls at all.

    python tests/bench/wall_costs.py [--steps 10]

The same wrong kernel (it is judged, and not timed) goes through `step`; beside it the same compiler runs with the same
flags without a jail, and a plain child process loads and calls what it made. The difference is what isolation costs.
Parts of a jail (start, stop, end) are printed by tests/sandbox/costs.cpp. Run on a quiet machine; it checks nothing.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import crucible
from crucible.environment import KernelEnv

KERNEL = """#include <crucible/kernel.h>
extern "C" int rms_norm(DLTensor* out, const DLTensor*, const DLTensor*, double, void*) {{
  static_cast<char*>(out->data)[out->byte_offset] = {number};
  return 0;
}}
"""
FLAGS = ["g++", "-std=c++20", "-O3", "-march=native", "-fopenmp", "-fPIC", "-shared"]
PLAIN_RUN = "import ctypes, sys; ctypes.CDLL(sys.argv[1]).rms_norm"


def milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - begin)


def row(name: str, values: list[float]) -> None:
    values.sort()
    print(f"{name:44} {values[0]:9.1f} {statistics.median(values):9.1f} {values[-1]:9.1f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=10)
    steps = parser.parse_args().steps
    include = Path(crucible.__file__).parent / "_include"
    with tempfile.TemporaryDirectory() as folder:
        env = KernelEnv("rms_norm", max_turns=1 << 30, backend="cpu", run_directory=folder, secret="bench", cache=False)
        starting = milliseconds(lambda: env.reset(seed=1))
        first = milliseconds(lambda: env.step(KERNEL.format(number=100)))
        whole: list[float] = []
        stages: dict[str, list[float]] = {}
        plain_compile: list[float] = []
        plain_run: list[float] = []
        source, artifact = Path(folder) / "plain.cpp", Path(folder) / "plain.so"
        for number in range(steps):
            text = KERNEL.format(number=number)
            whole.append(milliseconds(lambda text=text: env.step(text)))  # type: ignore[misc]
            assert env.last_record is not None
            for name, seconds in env.last_record.evaluation.stage_seconds.items():
                stages.setdefault(name, []).append(1e3 * seconds)
            source.write_text(text)
            command = [*FLAGS, f"-I{include}", "-o", str(artifact), str(source)]
            plain_compile.append(milliseconds(lambda command=command: subprocess.run(command, check=True)))  # type: ignore[misc]
            load = [sys.executable, "-S", "-c", PLAIN_RUN, str(artifact)]
            plain_run.append(milliseconds(lambda load=load: subprocess.run(load, check=True)))  # type: ignore[misc]
        env.close()
    whole_in_order = list(whole)
    compile_in_order, check_in_order = list(stages["compile"]), list(stages["check"])
    plain_in_order = list(plain_compile)
    print(f"{'milliseconds':44} {'least':>9} {'median':>9} {'most':>9}")
    row("a step, all of it", whole)
    for name, values in sorted(stages.items()):
        row(f"  stage {name}", values)
    row("the same compiler without a jail", plain_compile)
    row("a plain process that loads the result", plain_run)
    jail = [walled - plain for walled, plain in zip(compile_in_order, plain_in_order, strict=True)]
    row("compiling: what the jail adds", jail)
    stated = zip(whole_in_order, compile_in_order, check_in_order, strict=True)
    row("a step: all that is neither compile nor check", [step - compiled - check for step, compiled, check in stated])
    print(f"once: warden and prompt {starting:.0f} ms, first step with judge and pools {first:.0f} ms")


if __name__ == "__main__":
    main()
