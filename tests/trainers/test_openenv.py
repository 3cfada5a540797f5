"""OpenEnv's own server, web socket client and HTTP routes with kernel environments."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from support import EIGHT, KINDS, OPTIONS, SEED, TASK, FlakyScorer, answer, paying

from crucible.integrations import KernelScorer, Sample, group_advantages
from crucible.integrations.openenv import KernelAction, KernelClient, WrongAnswer, create_server


@contextmanager
def serving(scorer: KernelScorer) -> Iterator[str]:
    """The address of a real server; OpenEnv's defaults but for the port."""
    server = uvicorn.Server(uvicorn.Config(create_server(scorer=scorer), host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


def post(address: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://{address}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.load(response)


def test_the_same_rewards_as_step(stepped: dict[str, float]) -> None:
    async def session(address: str, kind: str) -> float | None:
        async with KernelClient(base_url=f"ws://{address}") as env:
            told = await env.reset(task=TASK, seed=SEED)
            assert "fenced code block" in told.observation.text
            assert (await env.state()).task == TASK
            result = await env.step(KernelAction(answer=answer(kind)))
            assert result.done
            assert result.observation.seed == SEED
            return result.reward

    async def all_at_once(address: str) -> list[float | None]:
        return list(await asyncio.gather(*(session(address, kind) for kind in KINDS)))

    with KernelScorer(**OPTIONS) as scorer, serving(scorer) as address:
        found = asyncio.run(all_at_once(address))
        assert found == pytest.approx([stepped[kind] for kind in KINDS], abs=1e-12)
        body = {"action": {"answer": answer("wrong"), "task": TASK, "seed": SEED}}
        assert post(address, "/step", body)["reward"] == pytest.approx(stepped["wrong"], abs=1e-12)


def test_three_of_eight_failed() -> None:
    async def group(address: str) -> list[float | None]:
        async with KernelClient(base_url=f"ws://{address}") as env:
            rewards = []
            for i, reward in enumerate(EIGHT):
                await env.reset(task=TASK, seed=SEED)
                result = await env.step(KernelAction(answer=paying(reward, i)))
                assert result.observation.scored == (reward is not None)
                rewards.append(result.reward)
            return rewards

    with FlakyScorer(TASK) as scorer, serving(scorer) as address:
        rewards = asyncio.run(group(address))
        assert rewards == list(EIGHT)
        body = {"action": {"answer": paying(None), "task": TASK, "seed": SEED}}
        assert post(address, "/step", body)["reward"] is None
    five = group_advantages([r for r in EIGHT if r is not None])
    assert [a for a, r in zip(group_advantages(rewards), EIGHT, strict=True) if r is not None] == five


class Slow(FlakyScorer):
    """Takes its time over one kernel, and counts."""

    def __init__(self) -> None:
        super().__init__(TASK, seed=SEED)
        self.count = 0
        self.together = 0
        self.most = 0
        self.lock = threading.Lock()

    def evaluate(self, task: str, source: str, seed: int) -> Sample:
        with self.lock:
            self.count += 1
            self.together += 1
            self.most = max(self.most, self.together)
        time.sleep(2.0 if source.split()[2] == "0.75" else 0.2)
        with self.lock:
            self.together -= 1
        return super().evaluate(task, source, seed)


def test_a_call_that_timed_out_never_shifts_later_answers() -> None:
    async def story(address: str) -> None:
        async with KernelClient(base_url=f"ws://{address}", message_timeout_s=60) as env:
            await env.reset(task=TASK, seed=SEED)
            late = KernelAction(answer=paying(0.75))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(env.step(late), timeout=0.5)
            # In a session of its own, without a reset: the action says its task and seed.
            assert (await env.step(KernelAction(answer=paying(0.1)))).reward == 0.1
            assert (await env.step(KernelAction(answer=paying(0.2)))).reward == 0.2
            again = await env.step(late)  # the same id: judged once, the answer that was missed
            assert again.reward == 0.75
            assert (await env.step(KernelAction(answer=paying(0.3)))).reward == 0.3

    with Slow() as scorer, serving(scorer) as address:
        asyncio.run(story(address))
        assert scorer.count == 4


def test_another_requests_answer_is_refused() -> None:
    client = KernelClient(base_url="ws://127.0.0.1:1")
    payload = client._step_payload(KernelAction(answer="x", request_id="mine"))
    assert payload["request_id"] == "mine"
    with pytest.raises(WrongAnswer, match="not yours"):
        client._parse_result({"observation": {"request_id": "other"}, "reward": 1.0, "done": True})


def test_a_request_id_is_for_one_answer() -> None:
    async def story(address: str) -> None:
        async with KernelClient(base_url=f"ws://{address}") as env:
            await env.reset(task=TASK)
            await env.step(KernelAction(answer=paying(0.1), request_id="one"))
            with pytest.raises(RuntimeError, match="for another answer"):
                await env.step(KernelAction(answer=paying(0.2), request_id="one"))

    with FlakyScorer(TASK) as scorer, serving(scorer) as address:
        asyncio.run(story(address))


def test_sessions_run_side_by_side_by_default() -> None:
    async def session(address: str, i: int) -> None:
        async with KernelClient(base_url=f"ws://{address}") as env:
            await env.reset(task=TASK, seed=SEED)
            assert (await env.step(KernelAction(answer=paying(i / 100)))).reward == i / 100

    async def many(address: str) -> None:
        await asyncio.gather(*(session(address, i) for i in range(1, 17)))

    with Slow() as scorer, serving(scorer) as address:
        asyncio.run(many(address))
        assert scorer.most > 1


def test_nonsense_is_answered() -> None:
    async def story(address: str) -> None:
        async with KernelClient(base_url=f"ws://{address}") as env:
            with pytest.raises(RuntimeError, match="rms_norm"):
                await env.reset(task="rms_nrm")
            with pytest.raises(RuntimeError, match="2\\*\\*63"):
                await env.reset(task=TASK, seed=-1)
            assert (await env.reset(task=TASK)).observation.task == TASK

    with FlakyScorer() as scorer, serving(scorer) as address:
        asyncio.run(story(address))
