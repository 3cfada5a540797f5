"""verifiers' own agent, rollout, interception server and scoring with kernel tasks.

The model is a local OpenAI-compatible server that answers what it is told to; the harness calls it in process.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import verifiers.v1 as vf
from support import EIGHT, FIVE, KINDS, OPTIONS, SEED, TASK, FlakyScorer, answer, paying
from verifiers.v1.agent import Agent

from crucible.integrations import group_advantages
from crucible.integrations import verifiers as adapter

CONFIG = adapter.KernelTaskConfig(**OPTIONS)


class OneCall(vf.Harness[vf.HarnessConfig]):
    """One chat completion, in process, through verifiers' interception server."""

    EXECUTES_CODE = False
    NEEDS_CONTAINER = False

    async def launch(self, ctx, trace, runtime, endpoint, secret, mcp_urls, data) -> vf.ProgramResult:
        body = {"model": ctx.model, "messages": [{"role": "user", "content": data.prompt}]}
        async with httpx.AsyncClient(timeout=60) as client:
            reply = await client.post(
                f"{endpoint}/chat/completions", json=body, headers={"Authorization": f"Bearer {secret}"}
            )
            reply.raise_for_status()
        return vf.ProgramResult(exit_code=0, stdout="", stderr="")


@contextmanager
def model(text: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            message = {"role": "assistant", "content": text}
            body = json.dumps(
                {
                    "id": "1",
                    "object": "chat.completion",
                    "created": 0,
                    "model": "m",
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
                }
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


def task() -> adapter.KernelTask:
    config = adapter.KernelTasksetConfig(id="crucible_kernels", task=CONFIG, kernels=[TASK], seed=SEED)
    (only,) = adapter.KernelTaskset(config)
    return only


def rolled_out(text: str, monkeypatch: pytest.MonkeyPatch) -> vf.Trace:
    """One rollout of the task whose model answers `text`."""
    monkeypatch.setenv("TEST_KEY", "none")
    with model(text) as address:
        client = vf.EvalClientConfig(base_url=address, api_key_var="TEST_KEY")
        null = vf.harness_config_type("null")(id="null")
        agent = Agent(vf.AgentConfig(runtime=vf.SubprocessConfig(), model="m", client=client, harness=null))
        agent.harness = OneCall(null)
        return asyncio.run(agent.run(task()))


def test_the_same_rewards_as_step(stepped: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in KINDS:
        trace = rolled_out(answer(kind), monkeypatch)
        assert trace.ok, trace.errors
        assert trace.reward == pytest.approx(stepped[kind], abs=1e-12)
        assert trace.metrics["correct"] == float(kind in ("fast", "slow"))


def test_three_of_eight_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    with FlakyScorer() as scorer:
        monkeypatch.setattr(adapter, "scorer_of", lambda config: scorer)
        traces = [rolled_out(paying(reward, i), monkeypatch) for i, reward in enumerate(EIGHT)]
    assert [trace.ok for trace in traces] == [reward is not None for reward in EIGHT]
    lost = traces[1]
    assert lost.last_error is not None
    assert lost.last_error.type == "TaskError"
    assert "warden is gone" in lost.last_error.message
    assert lost.rewards == {"crucible": None}
    found = adapter.advantages(traces)
    assert [a for a, r in zip(found, EIGHT, strict=True) if r is not None] == group_advantages(list(FIVE))
    assert [a for a, r in zip(found, EIGHT, strict=True) if r is None] == [0.0] * 3


def test_a_taskset_of_everything() -> None:
    config = adapter.KernelTasksetConfig(id="crucible_kernels", kernels=["softmax", TASK], seed=3, repeat=2)
    tasks = list(adapter.KernelTaskset(config))
    assert [(t.data.kernel, t.data.seed) for t in tasks] == [("softmax", 3), (TASK, 3), ("softmax", 4), (TASK, 4)]
    assert len({t.key for t in tasks}) == 4
    assert "fenced code block" in tasks[0].data.prompt_text


def test_verifiers_finds_it_by_name(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "from crucible.integrations.verifiers import *\nfrom crucible.integrations.verifiers import __all__\n"
    (tmp_path / "crucible_kernels.py").write_text(lines)
    monkeypatch.syspath_prepend(tmp_path)
    assert vf.taskset_config_type("crucible_kernels") is adapter.KernelTasksetConfig
    loaded = vf.load_taskset(adapter.KernelTasksetConfig(id="crucible_kernels", kernels=[TASK]))
    assert isinstance(loaded, adapter.KernelTaskset)
