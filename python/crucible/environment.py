"""The Gymnasium environment: one step is one kernel."""

from __future__ import annotations

import contextlib
import math
import os
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import gymnasium
from gymnasium.error import ResetNeeded

from crucible import _core
from crucible._core import Record, RewardSettings, Task
from crucible.awaiting import ended
from crucible.configuration import find_task, load_reward
from crucible.evaluator import Evaluator, Progress, as_bytes, shared
from crucible.spaces import SourceSpace, TextSpace

_PROMPT_CHARACTERS = 1 << 16
_SEEDS = 1 << 63


class KernelEnv(gymnasium.Env[str, str]):
    """`reset` returns the task as a prompt; `step(source)` judges a kernel and returns feedback and reward.

    The reward is NaN when the failure was ours (verdict `infrastructure_error`; then `truncated` is True): leave such a
    sample out. Time apart, everything repeats when `secret` and the reset seed are fixed. Nothing is started before the
    first `reset`; environments of one process with the same options share one evaluator.

    Keyword arguments are JSON data, so that they fit in an EnvSpec: `reward` is a name, a path or a mapping,
    `reward_overrides` maps dotted keys to values.
    """

    metadata = {"render_modes": ["ansi"]}  # noqa: RUF012  (as gymnasium declares it)

    def __init__(
        self,
        task: str,
        *,
        backend: str = "auto",
        device: str = "",
        reward: str | os.PathLike[str] | Mapping[str, Any] | RewardSettings = "default",
        reward_overrides: Mapping[str, Any] | None = None,
        max_turns: int = 1,
        run_directory: str | os.PathLike[str] = "",
        secret: str = "",
        isolation_demand: str = "",
        cache: bool = True,
        write_records: bool = True,
        time_budget_seconds: float = 5.0,
        archive: str | os.PathLike[str] = "",
        config: str | os.PathLike[str] = "",
        task_directories: Iterable[str] = (),
        evaluator: Evaluator | None = None,
        progress: Progress | None = None,
        render_mode: str | None = None,
    ) -> None:
        if isinstance(max_turns, bool) or not isinstance(max_turns, int) or max_turns < 1:
            raise _core.ConfigError(f"max_turns must be a whole number of at least 1, not {max_turns!r}")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise _core.ConfigError(f"render_mode {render_mode!r} is unknown; known: 'ansi'")
        self.task: Task = find_task(task, task_directories, os.fspath(config))
        self.reward_settings = load_reward(reward, reward_overrides or {}, os.fspath(config)).settings
        model = _core.RewardModel(self.reward_settings)  # nonsense is refused now, not after the first kernel has run
        self._term_names = term_names(model)
        self.max_turns = max_turns
        self.render_mode = render_mode
        self.progress = progress
        self.action_space = SourceSpace(self.task.seed_kernel)
        self.observation_space = TextSpace(_PROMPT_CHARACTERS)
        self.last_record: Record | None = None
        self._options: dict[str, Any] = {
            "backend": backend,
            "device": device,
            "run_directory": run_directory,
            "config": config,
            "task_directories": tuple(task_directories),
            "isolation_demand": isolation_demand,
            "secret": secret,
            "cache": cache,
            "write_records": write_records,
            "time_budget_seconds": time_budget_seconds,
            "archive": os.fspath(archive),
        }
        self._given = evaluator
        self._held: tuple[str, Evaluator] | None = None
        self._core: _core.Environment | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._awaited = False
        self._text = ""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """The prompt. `options` may hold "seed" (an int below 2**63), which wins over the generator's next seed."""
        super().reset(seed=seed)
        unknown = set(options or {}) - {"seed"}
        if unknown:
            raise _core.ConfigError(f"reset option {sorted(unknown)[0]!r} is unknown; known: 'seed'")
        chosen = (options or {}).get("seed", seed)
        if chosen is None:
            chosen = int(self.np_random.integers(_SEEDS))
        if not 0 <= int(chosen) < _SEEDS:
            raise _core.ConfigError(f"a seed lies in [0, 2**63), not {chosen}")
        self._refuse_awaited()
        with self._lock:
            prompt = self._started().reset(int(chosen))
        self._text = prompt
        return prompt, {"task": self.task.name, "seed": int(chosen), "run_directory": self.evaluator.run_directory}

    def step(self, action: str | bytes) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Judges one kernel. Ctrl-C cancels it (KeyboardInterrupt) and the same turn may be tried again."""
        source = as_bytes(action)
        self._refuse_awaited()
        with self._lock:
            result = self._begun().step(source, self.progress)
        return self._told(result)

    async def astep(self, action: str | bytes) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """`step` for asyncio: other tasks run meanwhile. Cancelling cancels the step; its turn may be tried again."""
        source = as_bytes(action)
        self._refuse_awaited()
        with self._lock:
            pending = _core.PendingStep(self._begun(), source)
            self._awaited = True
        try:
            await ended(pending)
            result = pending.result()
        finally:
            self._awaited = False
        return self._told(result)

    def _begun(self) -> _core.Environment:
        if self._core is None:
            raise ResetNeeded("step() before reset(): call reset() to begin an episode")
        return self._core

    def _refuse_awaited(self) -> None:
        # Waiting for it here would stop the event loop that it needs.
        if self._awaited:
            raise RuntimeError("a step of this environment is being awaited: await it before the next call")

    def _told(self, result: _core.StepResult) -> tuple[str, float, bool, bool, dict[str, Any]]:
        self.last_record = result.record
        self._text = result.observation
        return (
            result.observation,
            float(result.reward),
            bool(result.terminated),
            bool(result.truncated),
            step_info(result.record, self._term_names),
        )

    def render(self) -> str | None:
        """The last prompt or feedback (render_mode "ansi")."""
        return self._text if self.render_mode == "ansi" else None

    @property
    def evaluator(self) -> Evaluator:
        """The evaluator this environment uses; starts it when it has not been needed yet."""
        if self._closed:
            raise RuntimeError("the environment is closed")
        if self._given is not None:
            return self._given
        if self._held is None:
            self._held = shared.acquire(self._options)
        return self._held[1]

    def close(self) -> None:
        self._closed = True
        self._core = None
        held, self._held = self._held, None
        if held is not None:
            shared.release(*held)

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # half-made, or the interpreter is going down
            self.close()

    def _started(self) -> _core.Environment:
        if self._closed:
            raise RuntimeError("the environment is closed")
        if self._core is None:
            self._core = _core.Environment(self.evaluator.core, self.task.name, self.reward_settings, self.max_turns)
        return self._core


def step_info(record: Record, names: Iterable[str]) -> dict[str, Any]:
    """What `step` reports beside the reward. Keys and types never change; NaN is what was not measured."""
    facts = record.evaluation
    speed = facts.speedup
    nan = math.nan
    return {
        "verdict": facts.verdict.name,
        "correct": facts.verdict is _core.Verdict.correct,
        "explanation": facts.explanation,
        "passed_share": float(facts.passed_share),
        "speedup": speed.estimate if speed else nan,
        "speedup_lower": speed.lower if speed else nan,
        "speedup_upper": speed.upper if speed else nan,
        "speedup_pairs": speed.pairs if speed else 0,
        "novelty": nan if facts.novelty.score is None else facts.novelty.score,
        "similarity": float(facts.novelty.similarity),
        "nearest": facts.novelty.nearest[0].name if facts.novelty.nearest else "",
        "findings": ",".join(finding.kind for finding in facts.findings),
        "terms": term_values(record, names),
        "seconds": float(sum(facts.stage_seconds.values())),
        "cached": bool(facts.cached),
        "isolation": facts.isolation_level,
        "seed": int(facts.seed),
        "turn": int(record.turn),
        "source_sha256": facts.source_sha256,
        "record_id": record.id,
    }


def term_names(model: _core.RewardModel) -> tuple[str, ...]:
    """Names of all terms that a reward model pays, whatever the verdict."""
    names: dict[str, None] = {}
    for verdict in _core.Verdict:
        facts = _core.Evaluation()
        facts.verdict = verdict
        if verdict is _core.Verdict.correct:
            speed = _core.Speedup()
            speed.estimate = speed.lower = speed.upper = 2.0
            facts.speedup = speed
        names.update(dict.fromkeys(term.name for term in model.score(facts).terms))
    return tuple(names)


def term_values(record: Record, names: Iterable[str] = ()) -> dict[str, float]:
    """Reward terms by name; every one of `names` is there."""
    values = dict.fromkeys(names, 0.0)
    for term in record.reward.terms:
        values[term.name] = values.get(term.name, 0.0) + term.value
    return values
