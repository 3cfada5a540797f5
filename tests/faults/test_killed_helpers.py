"""kill -9 at any moment of a step: the verdict is the true one or our failure, never a price for luck."""

from __future__ import annotations

import math
import os
import random
import threading
from collections.abc import Iterator

import pytest

from crucible.environment import KernelEnv
from faults.known import SECRET, SOAK, Known
from faults.processes import ROLES, await_gone, descendants, of_role, traces

#: Which kernel meets which killer: the ones whose step uses that process for long.
TARGETS = {"correct": 5.0, "wrong": 0.6, "slow_compile": 2.0, "crash": 0.5}
STRIKES = 12 if SOAK else 1
SEED = 20


class Striker(threading.Thread):
    """Kills one process of a role below this one, `delay` seconds after it starts, or as soon as there is one."""

    def __init__(self, role: str, delay: float, choose: random.Random) -> None:
        super().__init__(daemon=True)
        self.struck = ""
        self._role, self._delay, self._choose = role, delay, choose
        self._over = threading.Event()

    def run(self) -> None:
        if self._over.wait(self._delay):
            return
        while not self._over.wait(0.001):
            targets = of_role(self._role, os.getpid())
            if targets and (target := self._choose.choice(targets)).kill():
                self.struck = target.name
                return

    def stop(self) -> None:
        self._over.set()
        self.join()


def strikes() -> list[object]:
    """One strike a role in continuous integration, on the quicker kernels; all pairs in the soak."""
    choose = random.Random(SEED)
    parameters = []
    for role in ROLES:
        for number in range(STRIKES):
            name = choose.choice(list(TARGETS)) if SOAK else ("slow_compile" if role == "compiler" else "wrong")
            parameters.append(pytest.param(role, name, choose.randrange(1 << 30), id=f"{role}-{name}-{number}"))
    return parameters


def check(env: KernelEnv, known: Known, what: str) -> str:
    """One step; its verdict. Fails on anything but the truth or our own failure."""
    _, reward, _, truncated, info = env.step(known.source)
    verdict = info["verdict"]
    if verdict == "infrastructure_error":
        assert math.isnan(reward), what
        assert truncated, what
        env.reset(seed=5)
    else:
        if verdict in ("timed_out", "compile_timeout") and "time" in info["explanation"]:
            pytest.skip(f"this machine stood still: {info['explanation']}")  # none of these kernels takes a second
        assert verdict == known.verdict, f"{what}: {info['explanation']}"
        assert not math.isnan(reward), what
        if verdict == "correct":  # measured, not made up
            assert info["speedup"] > 0, what
            assert info["speedup"] != 1.0, what
            assert info["speedup_pairs"] >= 4, what
    return str(verdict)


@pytest.fixture(scope="module")
def struck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelEnv]:
    """One environment for all strikes; when it is closed nothing of it is left."""
    before = set(traces())
    env = KernelEnv(
        "rms_norm",
        max_turns=1 << 30,
        backend="cpu",
        run_directory=str(tmp_path_factory.mktemp("struck")),
        secret=SECRET,
        time_budget_seconds=0.1,
        cache=False,
    )
    env.reset(seed=5)
    yield env
    env.close()
    assert await_gone([p for p in descendants(os.getpid()) if p.name.startswith("crucible-")], 2.0) == []
    assert set(traces()) <= before


@pytest.mark.parametrize(("role", "name", "seed"), strikes())
def test_a_killed_helper_never_makes_a_verdict(
    struck: KernelEnv, kernels: dict[str, Known], role: str, name: str, seed: int
) -> None:
    env, known = struck, kernels[name]
    choose = random.Random(seed)
    check(env, kernels["wrong"], "before the strike")  # pools are made, helpers stand
    striker = Striker(role, choose.uniform(0, TARGETS[name]), choose)
    striker.start()
    try:
        verdict = check(env, known, f"{role} killed")
    finally:
        striker.stop()
    print(f"killed {striker.struck or 'nobody'}: {verdict}")
    follower = kernels["wrong" if name == "correct" else name]
    assert check(env, follower, f"after {striker.struck} was killed") == follower.verdict
    jailed = [p for p in descendants(os.getpid()) if p.name in ("crucible-init", "crucible-runner")]
    assert await_gone(jailed, 2.0) == []


@pytest.mark.slow
def test_a_helper_that_is_killed_every_time_is_our_failure(env: KernelEnv, kernels: dict[str, Known]) -> None:
    """The judge dies as soon as it stands, again and again: NaN, and the next step works."""
    check(env, kernels["wrong"], "before")
    over = threading.Event()

    def strike() -> None:
        while not over.wait(0.005):
            for process in of_role("judge", os.getpid()):
                process.kill()

    killer = threading.Thread(target=strike, daemon=True)
    killer.start()
    try:
        _, reward, _, truncated, info = env.step(kernels["correct"].source)
    finally:
        over.set()
        killer.join()
    assert info["verdict"] == "infrastructure_error"
    assert math.isnan(reward)
    assert truncated
    env.reset(seed=6)
    assert check(env, kernels["wrong"], "afterwards") == "wrong_result"


@pytest.mark.slow
def test_a_strike_is_able_to_hit(env: KernelEnv, kernels: dict[str, Known]) -> None:
    """The tests above test something: a step's processes are found by their roles, and die."""
    check(env, kernels["wrong"], "before")
    for role in ("warden", "judge"):
        striker = Striker(role, 0.0, random.Random(SEED))
        striker.start()
        check(env, kernels["wrong"], f"{role} killed at once")
        striker.stop()
        assert striker.struck in ROLES[role]
