"""OpenEnv: a server of kernel environments and a typed client.

    python -m crucible.integrations.openenv --port 8000

    async with KernelClient(base_url="ws://localhost:8000") as env:
        told = await env.reset(task="rms_norm", seed=0)
        result = await env.step(KernelAction(answer=text))     # result.reward is None: no sample

Sessions run side by side (SUPPORTS_CONCURRENT_SESSIONS; 64 by default) over one evaluator. Every step carries a request
id, its task and its seed, so it means the same wherever it arrives: in the session that was reset, in a new one after a
broken connection, or as one plain HTTP request. Asking again with the same id returns the same judgement, made once; an
answer with another id than was asked for is never returned.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from concurrent.futures import Future
from typing import Any

from openenv.core.client_types import StepResult
from openenv.core.env_client import EnvClient
from openenv.core.env_server import create_app
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import Action, Observation, State
from pydantic import Field

from crucible._core import ConfigError
from crucible.integrations.scoring import KernelScorer, Sample, check_seed, task_prompt

_REMEMBERED = 4096  # judgements that may still be asked for again, by request id
_SESSIONS = 64


class KernelAction(Action):
    """A chat answer (its last fenced block is the kernel), with what makes it independent of the session."""

    answer: str = Field(description="The model's whole answer")
    request_id: str = Field(default="", max_length=255, description="Asked again with the same id: the same judgement")
    task: str = Field(default="", description="Empty: the session's")
    seed: int | None = Field(default=None, ge=0, lt=1 << 63, description="None: the session's")


class KernelObservation(Observation):
    """The prompt after reset, the judgement after step. `reward` None and `scored` false: our failure."""

    text: str = ""
    request_id: str = ""
    task: str = ""
    seed: int = 0
    scored: bool = False
    verdict: str = ""
    speedup: float | None = None
    passed_share: float = 0.0


class KernelState(State):
    task: str = ""
    seed: int = 0


class _Requests:
    """Judgements by request id: what is asked twice is judged once. Thread-safe."""

    def __init__(self, scorer: KernelScorer) -> None:
        self.scorer = scorer
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[tuple[str, str, int], Future[Sample]]] = OrderedDict()

    def judge(self, request_id: str, answer: str, task: str, seed: int) -> Sample:
        asked = (answer, task, seed)
        if not request_id:
            return self.scorer.score_one(answer, task, seed)
        with self._lock:
            known = self._known.get(request_id)
            if known is None:
                known = self._known[request_id] = (asked, self.scorer.submit([answer], [task], [seed])[0])
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        if known[0] != asked:
            raise ConfigError(f"request id {request_id!r} was used for another answer; ids are for one request each")
        sample = known[1].result()
        if not sample.scored:  # asked again, a failure of ours is tried again
            with self._lock:
                if self._known.get(request_id) is known:
                    del self._known[request_id]
        return sample


class KernelEnvironment(Environment):
    """One session: reset(task, seed) tells the task, step judges one answer and ends the episode."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, requests: _Requests, backend: str = "cpu") -> None:
        super().__init__()
        self._requests = requests
        self._backend = backend
        self._state = KernelState(task=requests.scorer.task, seed=requests.scorer.seed)

    def reset(
        self, seed: int | None = None, episode_id: str | None = None, task: str = "", **others: Any
    ) -> KernelObservation:
        if others:
            raise ConfigError(f"reset option {sorted(others)[0]!r} is unknown; known: seed, episode_id, task")
        scorer = self._requests.scorer
        chosen, number = task or scorer.task, scorer.seed if seed is None else check_seed(seed)
        if not chosen:
            raise ConfigError("no task: reset(task=…), or start the server with --task")
        text = task_prompt(chosen, backend=self._backend)[0]["content"]
        self._state = KernelState(episode_id=episode_id or uuid.uuid4().hex, task=chosen, seed=number)
        return KernelObservation(text=text, task=chosen, seed=number)

    def step(self, action: KernelAction, timeout_s: float | None = None, **_: Any) -> KernelObservation:
        task = action.task or self._state.task
        seed = self._state.seed if action.seed is None else action.seed
        sample = self._requests.judge(action.request_id, action.answer, task, seed)
        self._state.step_count += 1
        return KernelObservation(
            done=True,
            reward=sample.reward,
            text=sample.feedback,
            request_id=action.request_id,
            task=task,
            seed=seed,
            scored=sample.scored,
            verdict=sample.verdict,
            speedup=sample.speedup,
            passed_share=sample.passed_share,
        )

    @property
    def state(self) -> KernelState:
        return self._state


class WrongAnswer(RuntimeError):
    """The server answered another request than the one that was asked."""


class KernelClient(EnvClient[KernelAction, KernelObservation, KernelState]):
    """OpenEnv's client. A step may be asked again after a time-out with the same action: it is judged once.

    `message_timeout_s` is OpenEnv's; evaluations take seconds, and wait for the device when many come at once.
    """

    def __init__(self, base_url: str | None = None, *, message_timeout_s: float = 600.0, **options: Any) -> None:
        self._told: tuple[str, int] | None = None
        self._asked = ""
        super().__init__(base_url, message_timeout_s=message_timeout_s, **options)

    def _step_payload(self, action: KernelAction) -> dict[str, Any]:
        if not action.request_id:
            action.request_id = uuid.uuid4().hex
        if self._told is not None:  # a session that was lost with its connection is not missed
            action.task = action.task or self._told[0]
            action.seed = self._told[1] if action.seed is None else action.seed
        self._asked = action.request_id
        return dict(action.model_dump())

    def _parse_result(self, payload: dict[str, Any]) -> StepResult[KernelObservation]:
        found = KernelObservation(
            **payload["observation"], reward=payload.get("reward"), done=payload.get("done", False)
        )
        if not found.done:
            self._told = (found.task, found.seed)
        elif found.request_id != self._asked:
            raise WrongAnswer(f"asked for {self._asked}, answered was {found.request_id}: this result is not yours")
        return StepResult(observation=found, reward=found.reward, done=found.done)

    def _parse_state(self, payload: dict[str, Any]) -> KernelState:
        return KernelState(**payload)


def create_server(
    task: str = "",
    *,
    seed: int = 0,
    max_concurrent_envs: int = _SESSIONS,
    scorer: KernelScorer | None = None,
    **options: Any,
) -> Any:
    """The FastAPI application. Keyword arguments are KernelScorer's, or a `scorer` of your own."""
    judging = scorer if scorer is not None else KernelScorer(task, seed=seed, **options)
    requests = _Requests(judging)
    backend = "cuda" if options.get("backend") == "cuda" else "cpu"
    return create_app(
        lambda: KernelEnvironment(requests, backend),
        KernelAction,
        KernelObservation,
        env_name="crucible",
        max_concurrent_envs=max_concurrent_envs,
        state_cls=KernelState,
    )


def _main() -> None:
    import argparse

    import uvicorn

    parser = argparse.ArgumentParser(description="Crucible as an OpenEnv server")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--task", default="", help="for sessions that name none")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sessions", type=int, default=_SESSIONS)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--reward", default="default")
    parser.add_argument("--run", default="", metavar="DIR")
    given = parser.parse_args()
    application = create_server(
        given.task,
        seed=given.seed,
        max_concurrent_envs=given.sessions,
        backend=given.backend,
        reward=given.reward,
        run_directory=given.run,
    )
    uvicorn.run(application, host=given.host, port=given.port)


if __name__ == "__main__":
    _main()
