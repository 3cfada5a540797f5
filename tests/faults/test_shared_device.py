"""One device, several users: stepped in turn from one thread, and a lock whose holder died or sleeps."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import crucible
from crucible.environment import KernelEnv
from faults.known import Known


@pytest.fixture
def two(options: dict[str, Any]) -> Iterator[list[KernelEnv]]:
    """Two environments with an evaluator each, on the one device."""
    made = [KernelEnv("rms_norm", max_turns=100, **{**options, "secret": secret}) for secret in ("one", "two")]
    for env in made:
        env.reset(seed=3)
    yield made
    for env in made:
        env.close()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_two_environments_stepped_in_turn_from_one_thread(two: list[KernelEnv], kernels: dict[str, Known]) -> None:
    for name in ("wrong", "no_compile", "crash", "wrong"):
        for env in two:
            assert env.step(kernels[name].source)[4]["verdict"] == kernels[name].verdict
    two[0].close()
    assert two[1].step(kernels["wrong"].source)[4]["verdict"] == "wrong_result"


def locks() -> list[str]:
    cpus = "".join(f"-{cpu}" for cpu in sorted(os.sched_getaffinity(0)))
    return [f"/tmp/crucible-cpu{cpus}{ending}" for ending in (".gate", ".lock")]


HOLDER = """
import fcntl, sys, time
held = [open(path) for path in sys.argv[1:]]
for file in held:
    fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


@pytest.mark.timeout(240)
def test_a_lock_whose_holder_died_is_free(env: KernelEnv, kernels: dict[str, Known]) -> None:
    env.step(kernels["wrong"].source)  # the files exist now
    assert all(Path(path).exists() for path in locks())
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, *locks()], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    verdicts: list[str] = []
    stepper = threading.Thread(target=lambda: verdicts.append(env.step(kernels["wrong"].source)[4]["verdict"]))
    stepper.start()
    stepper.join(timeout=3)
    assert stepper.is_alive()  # it waits: somebody has the device
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    stepper.join(timeout=120)
    assert verdicts == ["wrong_result"]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_step_that_waits_for_a_sleeping_holder_can_be_given_up(env: KernelEnv, kernels: dict[str, Known]) -> None:
    env.step(kernels["wrong"].source)
    with open(locks()[1]) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            env.step(kernels["wrong"].source)
        timer.join()
    assert env.step(kernels["wrong"].source)[4]["verdict"] == "wrong_result"


@pytest.mark.slow
def test_the_locks_are_where_this_test_looks(options: dict[str, Any], kernels: dict[str, Known]) -> None:
    with crucible.Evaluator(**options) as evaluator:
        evaluator.evaluate("rms_norm", kernels["wrong"].source)
    assert all(Path(path).exists() for path in locks())
