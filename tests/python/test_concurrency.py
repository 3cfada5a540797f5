"""Worker threads, vector environments, Ctrl-C, fork."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gymnasium
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

import crucible
from conftest import kernel
from crucible.environment import KernelEnv

ENDLESS = kernel("for (volatile int i = 0;; i = i + 1) {}")


def make(options: dict[str, Any]) -> gymnasium.Env[str, str]:
    return gymnasium.make("crucible:crucible/rms_norm-v0", **options)


class Maker:
    """Picklable: a lambda is not."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    def __call__(self) -> gymnasium.Env[str, str]:
        return make(self.options)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("context", ["spawn", "fork"])
def test_asynchronous_vector_environment(context: str, quick_options: dict[str, Any], seed_kernel: str) -> None:
    envs = AsyncVectorEnv([Maker(quick_options)] * 2, shared_memory=False, context=context,
                          autoreset_mode=AutoresetMode.SAME_STEP)  # fmt: skip
    try:
        prompts, _ = envs.reset(seed=[1, 2])
        assert all("rms_norm" in prompt for prompt in prompts)
        _, rewards, terminated, _, infos = envs.step((seed_kernel, "no kernel"))
        final = infos["final_info"]
        assert list(final["verdict"]) == ["correct", "compile_error"]
        assert rewards[0] > rewards[1] == 0.0
        assert terminated.all()
    finally:
        envs.close()


def test_synchronous_vector_environment(quick_options: dict[str, Any]) -> None:
    envs = SyncVectorEnv([Maker(quick_options)] * 3, autoreset_mode=AutoresetMode.DISABLED)
    try:
        envs.reset(seed=3)
        _, rewards, terminated, _, infos = envs.step(("", "no kernel", kernel("return 0;")))
        assert list(infos["verdict"]) == ["malformed", "compile_error", "wrong_result"]
        assert rewards[0] < rewards[1] < rewards[2]
        assert terminated.all()
    finally:
        envs.close()


def test_a_worker_thread_may_step(env: KernelEnv) -> None:
    with ThreadPoolExecutor(1) as pool:
        info = pool.submit(env.step, kernel("return 0;")).result(timeout=60)[4]
    assert info["verdict"] == "wrong_result"


def test_threads_share_an_evaluator(evaluator: crucible.Evaluator) -> None:
    def one(seed: int) -> str:
        mine = KernelEnv("rms_norm", evaluator=evaluator)
        mine.reset(seed=seed)
        return str(mine.step(kernel(f"return {seed + 1};"))[0])

    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(one, range(4)))
    for seed, text in enumerate(texts):
        assert f"returned {seed + 1}" in text  # nobody got another's answer


def test_the_interpreter_goes_on_while_a_kernel_is_judged(env: KernelEnv) -> None:
    ticks = 0
    done = threading.Event()

    def judge() -> None:
        env.step(kernel("return 5;"))
        done.set()

    worker = threading.Thread(target=judge)
    worker.start()
    while not done.is_set():
        ticks += 1
        time.sleep(0.005)
    worker.join()
    assert ticks > 5


@pytest.mark.timeout(120)
def test_ctrl_c_cancels_a_step_and_the_environment_goes_on(env: KernelEnv) -> None:
    turn = env.step("no kernel")[4]["turn"]
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        env.step(ENDLESS)
    assert time.monotonic() - started < 4.0
    timer.join()
    info = env.step(kernel("return 0;"))[4]
    assert info["verdict"] == "wrong_result"
    assert info["turn"] == turn + 1  # the cancelled turn was not used up


def test_an_exception_in_progress_cancels_too(evaluator: crucible.Evaluator) -> None:
    def report(stage: str, share: float) -> None:
        raise LookupError("enough")

    env = KernelEnv("rms_norm", evaluator=evaluator, progress=report)
    env.reset(seed=0)
    with pytest.raises(LookupError, match="enough"):
        env.step(kernel("return 0; // not cached"))
    env.progress = None
    assert env.step("no kernel")[4]["verdict"] == "compile_error"


def test_progress_tells_the_stages(evaluator: crucible.Evaluator, seed_kernel: str) -> None:
    seen: list[tuple[str, float]] = []
    env = KernelEnv("rms_norm", evaluator=evaluator, progress=lambda stage, share: seen.append((stage, share)))
    env.reset(seed=99)
    env.step(seed_kernel + "// progress\n")
    stages = [stage for stage, _ in seen]
    assert {"compile", "check", "time"} <= set(stages)
    assert all(0.0 <= share <= 1.0 for _, share in seen)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.timeout(120)
def test_a_forked_child_has_its_own_evaluator(env: KernelEnv) -> None:
    env.step("no kernel")
    child = os.fork()
    if child == 0:
        verdict = "?"
        try:
            verdict = env.step(kernel("return 0; // child"))[4]["verdict"]
        finally:
            os._exit(0 if verdict == "wrong_result" else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert env.step("no kernel")[4]["verdict"] == "compile_error"  # the parent's is untouched
