"""send and recv: nothing is lost, repeated, or given to the wrong one; what makes no sense says what to do."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.error import AlreadyPendingCallError, NoAsyncCallError, ResetNeeded

import crucible
from bursts import burst
from conftest import SECRET, SHORT_BUDGET, kernel
from crucible.cli import main
from crucible.environment import KernelEnv
from crucible.vector import KernelVectorEnv

ENDLESS = kernel("for (volatile int i = 0;; i = i + 1) {}")


@pytest.fixture
def make(evaluator: crucible.Evaluator) -> Iterator[Callable[..., KernelVectorEnv]]:
    made: list[KernelVectorEnv] = []

    def one(num_envs: int, **options: Any) -> KernelVectorEnv:
        made.append(KernelVectorEnv("rms_norm", num_envs, evaluator=evaluator, **options))
        return made[-1]

    yield one
    for envs in made:
        envs.close()


def test_answers_come_in_the_order_of_completion_with_their_names(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(4, batch_size=1)
    envs.reset(seed=[5] * 4)
    requests = envs.send([kernel(f"return {40 + i};") for i in range(4)])
    seen = {}
    for _ in range(4):
        _, rewards, _, _, infos = envs.recv()
        assert rewards.shape == (1,)
        seen[int(infos["env_id"][0])] = (int(infos["request_id"][0]), infos["final_obs"][0])
    assert {env: request for env, (request, _) in seen.items()} == dict(enumerate(map(int, requests)))
    for env, (_, text) in seen.items():
        assert f"returned {40 + env}" in text


def test_calls_that_make_no_sense_say_what_to_do(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(3)
    with pytest.raises(NoAsyncCallError, match="send"):
        envs.recv()
    with pytest.raises(ResetNeeded, match="reset"):
        envs.send(["x"], [0])
    envs.async_reset(seed=1)
    with pytest.raises(AlreadyPendingCallError, match="recv"):
        envs.async_reset()
    with pytest.raises(AlreadyPendingCallError, match="recv"):
        envs.reset()
    with pytest.raises(AlreadyPendingCallError, match="recv"):
        envs.send(["x"], [0])
    prompts, _, _, _, infos = envs.recv()
    assert infos["reset"].all()
    assert all("rms_norm" in prompt for prompt in prompts)
    with pytest.raises(IndexError, match="0 to 2"):
        envs.send(["x"], [3])
    with pytest.raises(IndexError):
        envs.send(["x"], [-1])
    with pytest.raises(ValueError, match="twice"):
        envs.send(["x", "y"], [1, 1])
    with pytest.raises(ValueError, match="one for each"):
        envs.send(["x"], [0, 1])
    with pytest.raises(TypeError, match="str or bytes"):
        envs.send([1], [0])  # type: ignore[list-item]
    assert envs.pending() == []  # nothing of all that was taken
    envs.send([kernel("return 44;")], [2])
    with pytest.raises(AlreadyPendingCallError, match="environment 2"):
        envs.send(["x", "y"], [0, 2])
    assert envs.pending() == [2]
    assert list(envs.recv()[4]["env_id"]) == [2]


def test_a_timeout_loses_nothing(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(2)
    envs.reset(seed=0)
    envs.send([ENDLESS + "// timeout"], [0])
    with pytest.raises(TimeoutError, match="recv"):
        envs.recv(timeout=0.01)
    envs.send([""], [1])
    first: list[int] = []
    while not first:
        try:
            first = list(envs.recv(timeout=0.2)[4]["env_id"])
        except TimeoutError:
            continue
    assert first == [1]
    assert list(envs.recv()[4]["env_id"]) == [0]


@pytest.mark.timeout(60)
def test_ctrl_c_in_recv_loses_nothing(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(1)
    envs.reset(seed=0)
    envs.send([ENDLESS + "// recv"])
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    previous = signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    try:
        with pytest.raises(KeyboardInterrupt):
            envs.recv()
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert envs.pending() == [0]
    assert list(envs.recv()[4]["final_info"]["verdict"]) == ["timed_out"]


def test_cancelling_gives_the_turn_back(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(2, max_turns=3)
    envs.reset(seed=0)
    envs.send([ENDLESS + "// cancel", "no kernel"])
    assert envs.cancel([0]) == [0]
    assert list(envs.recv()[4]["env_id"]) == [1]
    envs.send([""], [0])
    assert list(envs.recv()[4]["turn"]) == [0]
    assert envs.cancel() == []


def test_a_group_asks_once(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(8)
    envs.reset(seed=[77] * 8)
    compiled = envs.stats()["stages"][1]["done"]
    infos = envs.step([kernel("return 45;")] * 8)[4]
    assert list(infos["final_info"]["verdict"]) == ["wrong_result"] * 8
    assert sorted(infos["final_info"]["cached"]) == [False] + [True] * 7
    assert envs.stats()["stages"][1]["done"] == compiled + 1


def judge_processes() -> list[int]:
    """Judges among our own descendants."""
    parents = {}
    names = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            names[int(entry.name)] = text[text.index("(") + 1 : text.rindex(")")]
            parents[int(entry.name)] = int(text[text.rindex(")") + 2 :].split()[1])
    return [pid for pid, name in names.items() if name == "crucible-judge" and parents.get(parents[pid]) == os.getpid()]


@pytest.mark.timeout(240)
def test_a_judge_killed_under_sixty_four_costs_one_of_them_at_most(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(64)
    envs.reset(seed=[78] * 64)
    envs.send([kernel(f"return {100 + i % 8};") for i in range(64)])
    while envs.stats()["devices"][0]["does"] == "idle":
        pass
    for judge in judge_processes():
        os.kill(judge, signal.SIGKILL)
    _, rewards, _, _, infos = envs.recv()
    assert sorted(infos["env_id"]) == list(range(64))
    assert np.isnan(rewards).sum() <= 8  # one evaluation, asked for by eight
    assert set(infos["final_info"]["verdict"]) <= {"wrong_result", "infrastructure_error"}


@pytest.mark.timeout(240)
def test_a_burst_loses_and_repeats_nothing(make: Callable[..., KernelVectorEnv]) -> None:
    verdicts = burst(make(64), 300, seed=20)
    assert sum(verdicts.values()) == 300
    assert verdicts.get("infrastructure_error", 0) == 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_thousand_at_once(make: Callable[..., KernelVectorEnv]) -> None:
    verdicts = burst(make(2000), 10_000, seed=21)
    assert sum(verdicts.values()) == 10_000
    assert verdicts.get("infrastructure_error", 0) == 0


# ---- asyncio --------------------------------------------------------------------------------------------------------


def test_awaiting_steps_of_single_environments(evaluator: crucible.Evaluator) -> None:
    async def both() -> list[str]:
        envs = [KernelEnv("rms_norm", evaluator=evaluator) for _ in range(3)]
        for env in envs:
            env.reset(seed=90)
        results = await asyncio.gather(*(env.astep(kernel(f"return {50 + i};")) for i, env in enumerate(envs)))
        return [result[0] for result in results]

    for i, text in enumerate(asyncio.run(both())):
        assert f"returned {50 + i}" in text


@pytest.mark.timeout(60)
def test_cancelling_an_awaited_step(evaluator: crucible.Evaluator) -> None:
    async def impatient() -> dict[str, Any]:
        env = KernelEnv("rms_norm", evaluator=evaluator)
        env.reset(seed=91)
        task = asyncio.ensure_future(env.astep(ENDLESS + "// awaited"))
        await asyncio.sleep(0.3)
        with pytest.raises(RuntimeError, match="awaited"):
            env.step("x")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return (await env.astep("no kernel"))[4]

    info = asyncio.run(impatient())
    assert info["verdict"] == "compile_error"
    assert info["turn"] == 0


def test_awaiting_the_pool(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(3)
    envs.reset(seed=92)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    async def run() -> None:
        ticking = asyncio.ensure_future(tick())
        infos = (await envs.astep([kernel("return 55;"), "no kernel", ""]))[4]
        assert list(infos["final_info"]["verdict"]) == ["wrong_result", "compile_error", "malformed"]
        envs.send([ENDLESS + "// arecv", ""], [0, 1])
        first = await envs.arecv(batch_size=1)
        assert list(first[4]["env_id"]) == [1]
        with pytest.raises(TimeoutError):
            await envs.arecv(timeout=0.05)
        waiting = asyncio.ensure_future(envs.arecv())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task"):
            await envs.arecv()
        assert list((await waiting)[4]["env_id"]) == [0]
        with pytest.raises(NoAsyncCallError):
            await envs.arecv()
        ticking.cancel()

    asyncio.run(run())
    assert ticks > 5


@pytest.mark.timeout(60)
def test_cancelling_an_awaited_pool_step(make: Callable[..., KernelVectorEnv]) -> None:
    envs = make(2)
    envs.reset(seed=93)

    async def run() -> None:
        task = asyncio.ensure_future(envs.astep([ENDLESS + "// a", ENDLESS + "// b"]))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert envs.pending() == []
    assert list(envs.step(("", "no kernel"))[4]["final_info"]["turn"]) == [0, 0]


# ---- the run directory ----------------------------------------------------------------------------------------------


def test_a_run_is_told_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    options = {"backend": "cpu", "run_directory": run, "secret": "", "time_budget_seconds": SHORT_BUDGET}

    def session(sources: tuple[str, str]) -> Any:
        envs = KernelVectorEnv("rms_norm", 2, **options)
        try:
            envs.reset(seed=[1, 1])
            return envs.step(sources)
        finally:
            envs.close()

    session(("no kernel", ""))
    secret = (run / "secret").read_bytes()
    infos = session(("no kernel", "nor this"))[4]
    assert list(infos["final_info"]["cached"]) == [True, False]  # what the first session knew, the second knows
    assert (run / "secret").read_bytes() == secret
    assert len(crucible.read_records(str(run / "records.jsonl")).records) == 4
    assert len(json.loads((run / "configuration.json").read_text())["sessions"]) == 2
    summary = json.loads((run / "summary.json").read_text())
    assert summary["records"] == 4
    assert summary["verdicts"] == {"compile_error": 3, "malformed": 1}
    assert SECRET not in (run / "configuration.json").read_text()

    assert main(["top", str(run), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["live"] is False
    assert shown["summary"]["records"] == 4
    assert shown["last"][0]["verdict"] == "compile_error"
    assert [stage["name"] for stage in shown["pools"][-1]["stages"]][-1] == "record"
    assert main(["top", str(run), "--once"]) == 0
    text = capsys.readouterr().out
    for word in ("compile", "rms_norm", "malformed", "4 records"):
        assert word in text


def test_top_of_a_live_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    envs = KernelVectorEnv("rms_norm", 2, backend="cpu", run_directory=tmp_path, time_budget_seconds=SHORT_BUDGET)
    envs.reset(seed=0)
    envs.send([ENDLESS, ""])
    for _ in range(2):
        envs.recv(batch_size=1)
        assert main(["top", str(tmp_path), "--json"]) == 0
        json.loads(capsys.readouterr().out)
    envs.close()


def test_top_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", str(tmp_path / "none")]) == 2
    assert main(["top", str(tmp_path)]) == 2
    assert "run" in capsys.readouterr().err
