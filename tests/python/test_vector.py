"""The vector environment as Gymnasium asks for it."""

from __future__ import annotations

import gc
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import AlreadyPendingCallError, ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import crucible
from conftest import kernel
from crucible.environment import KernelEnv
from crucible.vector import KernelVectorEnv

ENDLESS = kernel("for (volatile int i = 0;; i = i + 1) {}")


@pytest.fixture
def make(evaluator: crucible.Evaluator) -> Iterator[Callable[..., KernelVectorEnv]]:
    made: list[KernelVectorEnv] = []

    def one(num_envs: int = 2, task: Any = "rms_norm", **options: Any) -> KernelVectorEnv:
        made.append(KernelVectorEnv(task, num_envs, evaluator=evaluator, **options))
        return made[-1]

    yield one
    for envs in made:
        envs.close()


@pytest.mark.timeout(240)
def test_make_vec_gives_the_pool(quick_options: dict[str, Any], seed_kernel: str) -> None:
    envs = gymnasium.make_vec("crucible:crucible/rms_norm-v0", num_envs=4, **quick_options)
    try:
        assert isinstance(envs.unwrapped, KernelVectorEnv)
        assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
        prompts, infos = envs.reset(seed=3)
        assert envs.observation_space.contains(prompts)
        assert list(infos["seed"]) == [3, 4, 5, 6]
        texts, rewards, terminated, truncated, infos = envs.step((seed_kernel, "no kernel", "", kernel("return 4;")))
        assert list(infos["final_info"]["verdict"]) == ["correct", "compile_error", "malformed", "wrong_result"]
        assert rewards.dtype == np.float64
        assert rewards[0] > rewards[3] > rewards[1] == 0.0
        assert terminated.all()
        assert not truncated.any()
        assert all("rms_norm" in text for text in texts)  # prompts again
        assert all(infos["_final_obs"])
        assert "returned 4" in infos["final_obs"][3]
    finally:
        envs.close()


def test_it_agrees_with_single_environments(
    make: Callable[..., KernelVectorEnv], evaluator: crucible.Evaluator
) -> None:
    """Seeds, prompts, rewards, infos and the order of what follows are those of a SyncVectorEnv of KernelEnv."""
    sources = [kernel("return 0;"), "no kernel", ""]
    alone = SyncVectorEnv(
        [lambda: KernelEnv("rms_norm", evaluator=evaluator) for _ in sources], autoreset_mode=AutoresetMode.SAME_STEP
    )
    pool = make(3)
    for _ in range(2):  # the second round runs on seeds that each drew itself
        first = alone.reset(seed=11) if _ == 0 else None
        second = pool.reset(seed=11) if _ == 0 else None
        if first and second:
            assert first[0] == second[0]
            assert list(first[1]["seed"]) == list(second[1]["seed"])
        expected, got = alone.step(tuple(sources)), pool.step(tuple(sources))
        np.testing.assert_array_equal(expected[1], got[1])
        np.testing.assert_array_equal(expected[2], got[2])
        assert list(expected[4]["seed"]) == list(got[4]["seed"])
        assert list(expected[4]["final_obs"]) == list(got[4]["final_obs"])
        for key in ("verdict", "explanation", "passed_share", "seed", "turn", "source_sha256"):
            assert list(expected[4]["final_info"][key]) == list(got[4]["final_info"][key])
            assert list(got[4]["final_info"]["_" + key]) == [True] * 3
        assert set(expected[4]["final_info"]) <= set(got[4]["final_info"])
    alone.close()


def test_disabled_autoreset_waits_for_a_reset(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(2, autoreset_mode=AutoresetMode.DISABLED, max_turns=2)
    envs.reset(seed=1)
    _, _, terminated, _, infos = envs.step(("no kernel", ""))
    assert not terminated.any()
    assert list(infos["verdict"]) == ["compile_error", "malformed"]
    _, _, terminated, _, _ = envs.step(("no kernel", ""))
    assert terminated.all()
    with pytest.raises(ResetNeeded, match="reset"):
        envs.step(("", ""))
    prompts, infos = envs.reset(options={"reset_mask": np.array([True, False])})
    assert list(infos["_seed"]) == [True, False]
    assert "## Workloads" in prompts[0]
    assert prompts[1] != prompts[0]  # still the end of its episode
    with pytest.raises(ResetNeeded):
        envs.step(("", ""))
    assert envs.pending() == []  # nothing of a refused step was taken


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"num_envs": 0}, "num_envs"),
        ({"num_envs": True}, "num_envs"),
        ({"batch_size": 3}, "batch_size"),
        ({"autoreset_mode": "NextStep"}, "SameStep"),
        ({"autoreset_mode": "sometimes"}, "Disabled"),
        ({"task": ()}, "task"),
        ({"task": "rms_nrom"}, "rms_norm"),
        ({"max_turns": 0}, "max_turns"),
        ({"reward": "no such reward"}, "reward"),
    ],
)
def test_bad_arguments_are_refused_with_the_fix(
    make: Callable[..., KernelVectorEnv], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(crucible.ConfigError, match=says):
        make(**{"num_envs": 2, **options})


def test_bad_resets_are_refused(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(2)
    for mask in (np.zeros(2, bool), np.ones(3, bool), [True, True], np.ones(2)):
        with pytest.raises(crucible.ConfigError, match="reset_mask"):
            envs.reset(options={"reset_mask": mask})
    with pytest.raises(crucible.ConfigError, match="reset_mask"):
        envs.reset(options={"sed": 1})
    with pytest.raises(ValueError, match="2 environments"):
        envs.reset(seed=[1, 2, 3])
    with pytest.raises(crucible.ConfigError, match="2\\*\\*63"):
        envs.reset(seed=[-1, 0])
    with pytest.raises(ResetNeeded):
        envs.step(("", ""))


def test_several_tasks_in_one_pool(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(4, task=("rms_norm", "softmax"))
    prompts, infos = envs.reset(seed=0)
    assert list(infos["task"]) == ["rms_norm", "softmax"] * 2
    assert "softmax" in prompts[1]
    assert [r is None for r in envs.last_records] == [True] * 4
    envs.step(("",) * 4)
    assert [r.evaluation.task for r in envs.last_records if r] == ["rms_norm", "softmax"] * 2


def test_a_wrapper_of_gymnasium_goes_around_it(make: Callable[..., KernelVectorEnv]) -> None:
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(make(2))
    envs.reset(seed=0)
    infos = envs.step(("no kernel", ""))[4]
    assert list(infos["episode"]["l"]) == [1, 1]


def test_python_reward_terms_are_added(make: Callable[..., KernelVectorEnv]) -> None:
    def shortness(record: crucible.Record) -> float:
        return 1.0 / (1 + len(record.source))

    envs = make(2, reward_terms={"shortness": shortness})
    envs.reset(seed=0)
    plain = make(2)
    plain.reset(seed=0)
    _, rewards, _, _, infos = envs.step(("no kernel", "nor this"))
    expected = plain.step(("no kernel", "nor this"))[1]
    np.testing.assert_allclose(rewards - expected, [1 / 10, 1 / 9])
    np.testing.assert_allclose(infos["final_info"]["terms"]["shortness"], [1 / 10, 1 / 9])


def test_a_reward_term_that_raises_loses_nothing(make: Callable[..., KernelVectorEnv]) -> None:
    bad = True

    def moody(record: crucible.Record) -> float:
        if bad and record.source == b"nor this":
            raise LookupError("not today")
        return 1.0

    envs = make(2, reward_terms={"moody": moody})
    envs.reset(seed=0)
    envs.send(("no kernel", "nor this"))
    with pytest.raises(LookupError, match="not today"):
        envs.recv()
    assert envs.pending() == [0, 1]
    with pytest.raises(AlreadyPendingCallError):
        envs.send(["x"], [1])
    bad = False
    infos = envs.recv()[4]
    assert sorted(infos["env_id"]) == [0, 1]


def test_a_reward_term_may_use_the_pool(make: Callable[..., KernelVectorEnv]) -> None:
    """Terms run in the caller's thread with no lock held: whatever they do cannot deadlock."""
    envs = make(2, reward_terms={"odd": lambda record: float(len(envs.pending()) + envs.stats()["submitted"])})
    envs.reset(seed=0)
    rewards = envs.step(("", "no kernel"))[1]
    assert (rewards > 1.5).all()  # two submitted, none owed


def test_threads_of_python_go_on_meanwhile(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(2)
    envs.reset(seed=0)
    ticks = 0
    done = threading.Event()

    def judge() -> None:
        envs.step((kernel("return 31;"), kernel("return 32;")))
        done.set()

    worker = threading.Thread(target=judge)
    worker.start()
    while not done.is_set():
        ticks += 1
        time.sleep(0.005)
    worker.join()
    assert ticks > 5


@pytest.mark.timeout(120)
def test_ctrl_c_in_a_step(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(2)
    envs.reset(seed=0)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        envs.step((ENDLESS + "// 1", ENDLESS + "// 2"))
    timer.join()
    assert envs.pending() == []
    infos = envs.step((kernel("return 33;"), "no kernel"))[4]
    assert list(infos["final_info"]["verdict"]) == ["wrong_result", "compile_error"]
    assert list(infos["final_info"]["turn"]) == [0, 0]  # the cancelled turns were not used up


def test_progress_is_told_in_the_callers_thread(make: Callable[..., KernelVectorEnv]) -> None:
    seen: list[tuple[int, dict[str, Any]]] = []
    envs = make(2, progress=lambda stats: seen.append((threading.get_ident(), stats)))
    envs.reset(seed=0)
    envs.step((ENDLESS + "// progress", "no kernel"))
    assert seen
    assert {thread for thread, _ in seen} == {threading.get_ident()}
    assert [stage["name"] for stage in seen[0][1]["stages"]] == ["validate", "compile", "check", "time", "record"]


def test_a_closed_one_says_so(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(2)
    envs.reset(seed=0)
    envs.close()
    envs.close()
    for call in (envs.reset, lambda: envs.step(("", "")), envs.recv, envs.stats):
        with pytest.raises(RuntimeError, match="closed"):
            call()


@pytest.mark.timeout(60)
def test_forgetting_one_in_the_middle_ends_it(evaluator: crucible.Evaluator) -> None:
    envs = KernelVectorEnv("rms_norm", 2, evaluator=evaluator)
    envs.reset(seed=0)
    envs.send((ENDLESS + "// forgotten", ENDLESS + "// too"))
    del envs
    gc.collect()
    assert evaluator.evaluate("rms_norm", "no kernel").verdict is crucible.Verdict.compile_error


@pytest.mark.timeout(120)
@pytest.mark.parametrize("ending", ["pass", "raise SystemExit", "os.kill(os.getpid(), signal.SIGINT)", "del envs"])
def test_the_interpreter_ends_in_the_middle(quick_options: dict[str, Any], ending: str) -> None:
    program = f"""
import os, signal, sys, threading, gymnasium
envs = gymnasium.make_vec("crucible:crucible/rms_norm-v0", num_envs=4, **{quick_options!r})
envs.reset(seed=0)
envs.unwrapped.send([{ENDLESS!r} + f"// {{i}} {ending}" for i in range(4)])
threading.Thread(target=lambda: envs.unwrapped.recv(), daemon=True).start()
print("sent", flush=True)
{ending}
"""
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert "sent" in child.stdout, child.stderr
    assert child.returncode in (0, 1, -signal.SIGINT), child.stderr
    assert "terminate called" not in child.stderr


@pytest.mark.timeout(120)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_is_told_to_make_its_own(
    make: Callable[..., KernelVectorEnv], evaluator: crucible.Evaluator
) -> None:
    envs = make(2)
    envs.reset(seed=0)
    envs.send(("no kernel", ENDLESS + "// fork"))
    while envs.stats()["devices"][0]["does"] == "idle":
        time.sleep(0.01)
    child = os.fork()  # while the device is busy, and its locks are held by a thread that the child has not
    if child == 0:
        code = 1
        try:
            envs.stats()
        except RuntimeError as error:
            code = 0 if "fork" in str(error) else 2
        envs.close()
        evaluator.core.close()
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sorted(envs.recv()[4]["env_id"]) == [0, 1]  # the parent's is untouched


def test_an_infrastructure_failure_is_nan(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(1)
    envs.reset(seed=0)
    envs.send([kernel("return 36;")], within=0.0)
    _, rewards, terminated, truncated, infos = envs.recv()
    assert math.isnan(rewards[0])
    assert truncated.all()
    assert not terminated.any()
    assert "deadline" in infos["final_info"]["explanation"][0]
