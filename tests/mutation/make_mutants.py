"""Draws a seeded, balanced set of mutants: round-robin over operators, and within one over bases."""

from __future__ import annotations

import random
from collections import defaultdict

from bases import TASKS, bases
from entry_operators import bodies, entry_of, wrapped
from text_operators import Mutant, text_mutants

# Mistakes that are alike whatever the kernel: a few of each are enough.
FEW = {
    "refuses a call": 2,
    "serves one dtype": 2,
    "writes before the beginning": 2,
    "writes past the end": 2,
    "writes an input": 3,
    "ignores byte_offset": 3,
    "stale outputs": 3,
    "starts one element late": 3,
}


def all_mutants(task: str) -> dict[str, list[Mutant]]:
    """Per operator, every mutant of every base; equal texts once."""
    made: dict[str, list[Mutant]] = defaultdict(list)
    seen: set[str] = set()
    for base in bases(task):
        seen.add(base.text)
    for base in bases(task):
        entry = entry_of(base)
        candidates = list(text_mutants(base))
        if entry is not None:
            candidates += [
                Mutant(task, base.name, operator, detail, wrapped(base, entry, body))
                for operator, detail, body in bodies(task)
            ]
        for mutant in candidates:
            if mutant.text not in seen:
                seen.add(mutant.text)
                made[mutant.operator].append(mutant)
    return made


def draw(seed: int, per_task: int, tasks: tuple[str, ...] = TASKS) -> list[Mutant]:
    """`per_task` mutants of each task: operators take turns, and within one every base and kind of mistake does."""
    chosen: list[Mutant] = []
    for task in tasks:
        rng = random.Random(f"{seed} {task}")
        queues = []
        for operator, mutants in sorted(all_mutants(task).items()):
            kinds: dict[str, list[Mutant]] = defaultdict(list)
            for mutant in mutants:
                kinds[mutant.detail.split(", line")[0]].append(mutant)
            for kind in kinds.values():
                rng.shuffle(kind)
            order = sorted(kinds)
            rng.shuffle(order)
            queue = []
            while any(kinds.values()):
                queue += [kinds[kind].pop() for kind in order if kinds[kind]]
            queues.append((operator, queue[: FEW.get(operator)][::-1]))
        taken: list[Mutant] = []
        while len(taken) < per_task and any(queue for _, queue in queues):
            for _, queue in queues:
                if queue and len(taken) < per_task:
                    taken.append(queue.pop())
        chosen += taken
    return chosen
