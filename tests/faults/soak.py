"""Steps a mixture of hostile and honest kernels and counts what is lost: `python tests/faults/soak.py --steps 2000`.

One environment, one run directory. Lost are: records; processes, descriptors, shared memory, folders and mounts that
are there at the end and were not at the start; resident memory, when its median over the last quarter of the steps is
more than five per cent above that of the second quarter, in the trainer, the warden or the judge. `--seconds` ends it
earlier; `--from` goes on with a later part of the same sequence. Status 1 when anything is lost.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))

from known import SECRET, known_kernels
from processes import descendants, descriptors, of_role, resident_bytes, traces

import crucible
from crucible.environment import KernelEnv
from crucible.hardening import load_attacks

TASK = "rms_norm"
HONEST_SHARE = 0.5
GROWTH = 1.05
#: Attacks that hold a step for tens of seconds by design: the suite runs each, here they would be most of the time.
SLOW = ("deadline", "endless", "bomb", "memory_pressure", "slow_", "sleep", "stop_delayed")


def sources(seed: int) -> Iterator[tuple[str, str]]:
    """Names and kernels without end; each is a text of its own, so that no cache answers."""
    choose = random.Random(seed)
    attacks = [
        attack
        for attack in load_attacks(Path(__file__).parents[1] / "hostile")
        if attack.task == TASK and not any(word in attack.name for word in SLOW)
    ]
    honest = list(known_kernels().values())
    for number in itertools.count():
        if choose.random() < HONEST_SHARE:
            known = choose.choice(honest)
            yield known.name, f"{known.source}\n// {number}\n"
        else:
            attack = choose.choice(attacks)
            yield attack.name, f"{attack.source}\n// {number}\n"


class Ledger:
    """Resident memory of the trainer and of its helpers, step by step."""

    def __init__(self) -> None:
        self.sizes: dict[str, list[int]] = collections.defaultdict(list)

    def note(self) -> None:
        self.sizes["trainer"].append(resident_bytes(os.getpid()))
        for role in ("warden", "judge"):
            for process in of_role(role, os.getpid()):
                self.sizes[role].append(resident_bytes(process.pid))

    def growth(self) -> dict[str, float]:
        """Last quarter over second quarter; the first is warming up."""
        result = {}
        for name, sizes in self.sizes.items():
            quarter = len(sizes) // 4
            if quarter >= 5:
                result[name] = statistics.median(sizes[-quarter:]) / statistics.median(sizes[quarter : 2 * quarter])
        return result


def run(steps: int, seconds: float, seed: int, start: int, folder: str) -> dict[str, object]:
    """What was lost, and what was seen."""
    before = set(traces())
    env = KernelEnv(
        TASK, max_turns=1 << 30, backend="cpu", run_directory=folder, secret=SECRET, time_budget_seconds=0.1
    )
    env.reset(seed=seed)
    env.step(known_kernels()["wrong"].source)  # helpers stand, pools are made
    opened = {role: [descriptors(p.pid) for p in of_role(role, os.getpid())] for role in ("warden", "judge")}
    opened["trainer"] = [descriptors(os.getpid())]
    ledger = Ledger()
    verdicts: collections.Counter[str] = collections.Counter()
    begin = time.monotonic()
    done = 0
    for _, source in itertools.islice(sources(seed), start, start + steps):
        if time.monotonic() - begin > seconds:
            break
        _, _, _, truncated, info = env.step(source)
        verdicts[info["verdict"]] += 1
        done += 1
        if truncated:
            env.reset(seed=seed)
        ledger.note()
    time.sleep(0.5)
    running = [
        p.name for p in descendants(os.getpid()) if p.alive and p.name not in ("crucible-warden", "crucible-judge")
    ]
    still = {role: [descriptors(p.pid) for p in of_role(role, os.getpid())] for role in ("warden", "judge")}
    still["trainer"] = [descriptors(os.getpid())]
    env.close()
    time.sleep(0.5)
    read = crucible.read_records(os.path.join(folder, "records.jsonl"))
    growth = ledger.growth()
    lost = []
    if len(read.records) != done + 1 or read.torn or read.problems:
        lost.append(f"records: {len(read.records)} of {done + 1}, {read.torn} torn, {len(read.problems)} unreadable")
    lost += [f"process {name} in the end" for name in running]
    lost += [f"process {p.name} after close()" for p in descendants(os.getpid()) if p.alive]
    lost += sorted(f"left behind: {trace}" for trace in set(traces()) - before)
    for role, counts in still.items():
        if sum(counts) > sum(opened[role]) + 2:
            lost.append(f"descriptors of the {role}: {sum(opened[role])} before, {sum(counts)} after")
    lost += [f"resident memory of the {name} grew to {each:.3f}" for name, each in growth.items() if each > GROWTH]
    return {
        "steps": done,
        "seconds": round(time.monotonic() - begin, 1),
        "verdicts": dict(verdicts),
        "growth": {name: round(each, 4) for name, each in growth.items()},
        "lost": lost,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--from", type=int, default=0, dest="start")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(options.steps, options.seconds, options.seed, options.start, folder)
    print(json.dumps(report, indent=1))
    return 1 if report["lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
