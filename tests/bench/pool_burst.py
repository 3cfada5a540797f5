"""Ten thousand sends, 30 % of them repeated and 30 % hostile: nothing is lost, and memory stays flat.

.venv/bin/python tests/bench/pool_burst.py [--sends 10000] [--envs 2000]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from crucible.vector import KernelVectorEnv

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))
from bursts import burst


def resident_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sends", type=int, default=10_000)
    parser.add_argument("--envs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=4, help="parts of the burst, to see memory between them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as run:
        envs = KernelVectorEnv("rms_norm", options.envs, backend="cpu", run_directory=run)
        try:
            for part in range(options.rounds):
                begin = time.perf_counter()
                verdicts = burst(envs, options.sends // options.rounds, seed=part)
                print(json.dumps({"part": part, "answers": sum(verdicts.values()),
                                  "seconds": round(time.perf_counter() - begin, 1),
                                  "resident_mib": round(resident_mib(), 1), "descriptors": descriptors(),
                                  "verdicts": verdicts}), flush=True)  # fmt: skip
        finally:
            envs.close()


if __name__ == "__main__":
    main()
