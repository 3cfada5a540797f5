"""kill -9 of the environment's own process: within two seconds nothing of ours lives, and nothing lies about."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faults.known import SOAK
from faults.processes import Process, await_gone, descendants, traces

PATIENCE = 2.0
SEED = 21
KILLS = 10 if SOAK else 1
LEVELS = ("full", "user", "container") if SOAK else ("full",)


def parameters() -> list[object]:
    choose = random.Random(SEED)
    return [
        pytest.param(level, choose.randrange(1 << 30), id=f"{level}-{number}")
        for level in LEVELS
        for number in range(KILLS)
    ]


def watch(pid: int, seconds: float) -> set[Process]:
    """All processes that were ever seen below `pid` in that time."""
    until = time.monotonic() + seconds
    seen: set[Process] = set()
    while time.monotonic() < until:
        seen.update(descendants(pid))
        time.sleep(0.01)
    return seen


@pytest.mark.parametrize(("level", "seed"), parameters())
def test_nothing_outlives_a_killed_trainer(tmp_path: Path, level: str, seed: int) -> None:
    before = set(traces())
    choose = random.Random(seed)
    trainer = subprocess.Popen(
        [sys.executable, os.path.join(os.path.dirname(__file__), "trainer.py"), str(tmp_path / "run"), str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CRUCIBLE_SANDBOX_LEVEL": level},
    )
    try:
        assert trainer.stdout is not None
        assert trainer.stdout.readline() == "ready\n"
        seen = watch(trainer.pid, choose.uniform(0.05, 6.0 if SOAK else 3.0))
        trainer.send_signal(signal.SIGKILL)
        seen.update(descendants(trainer.pid))
    finally:
        trainer.kill()
        trainer.wait()
    assert any(process.name == "crucible-warden" for process in seen)
    assert await_gone(seen, PATIENCE) == []
    left = set(traces()) - before
    until = time.monotonic() + PATIENCE
    while left and time.monotonic() < until:
        time.sleep(0.05)
        left = set(traces()) - before
    assert left == set()
