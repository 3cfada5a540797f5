"""What every adapter does: answers in, samples out, in order; many at once."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, TypeVar

from crucible._core import ConfigError, Record, StepResult, Verdict
from crucible.chat import extract_kernel, messages_of
from crucible.configuration import find_task, task_names
from crucible.environment import KernelEnv
from crucible.evaluator import as_bytes
from crucible.integrations.engine import PoolEngine

_log = logging.getLogger("crucible")
_SEEDS = 1 << 63
_PLACES = 16  # kernels of one task that are in the pool at once; the others wait their turn

Before = TypeVar("Before")
After = TypeVar("After")


@dataclass(frozen=True)
class Sample:
    """One answer, judged. `reward` is None when the failure was ours: then it is no sample, and must not be trained on.

    `feedback` is what a model may be told; `record` every fact (None when there is not even a record).
    """

    reward: float | None
    verdict: str
    feedback: str
    speedup: float | None = None
    passed_share: float = 0.0
    source: str = ""
    seed: int = 0
    record: Record | None = None

    @property
    def scored(self) -> bool:
        return self.reward is not None

    @property
    def correct(self) -> bool:
        return self.verdict == Verdict.correct.name


class KernelScorer:
    """Judges chat answers with the same evaluator, reward and records as `KernelEnv.step`, many at once through a pool.

    `task` is used where a row names none. `seed` decides the inputs that kernels are judged on: every answer of a group
    must share one, so a seed belongs to a prompt (a column of the data set) or to the whole run (this argument), never
    to an answer. `compilers` is how many compile at once (0: by the number of cores). Other keyword arguments are
    KernelEnv's. Thread-safe; nothing is started before the first answer.
    """

    def __init__(self, task: str = "", *, seed: int = 0, compilers: int = 0, **options: Any) -> None:
        if compilers < 0:
            raise ConfigError(f"compilers must be at least 0 (0: by the number of cores), not {compilers}")
        if "max_turns" in options:
            raise ConfigError("max_turns: a trainer's reward judges one answer; for several turns use KernelEnv itself")
        self.task = task
        self.seed = check_seed(seed)
        self._options = options
        self._compilers = compilers
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._in_flight: dict[tuple[str, int, str], Future[Sample]] = {}
        self._engine: PoolEngine | None = None
        self._env: KernelEnv | None = None  # knows the options; keeps the shared evaluator alive
        if task:
            self._check_task(task)

    def score(
        self, answers: Sequence[Any], tasks: Sequence[str] | None = None, seeds: Sequence[int | None] | None = None
    ) -> list[Sample]:
        """One sample for every answer, in their order. `tasks` and `seeds` are per answer; None means the scorer's."""
        return [future.result() for future in self.submit(answers, tasks, seeds)]

    async def ascore(
        self, answers: Sequence[Any], tasks: Sequence[str] | None = None, seeds: Sequence[int | None] | None = None
    ) -> list[Sample]:
        futures = self.submit(answers, tasks, seeds)
        # Shielded: futures of equal answers are shared, one caller's cancellation must not end another's evaluation.
        return list(await asyncio.gather(*(asyncio.shield(asyncio.wrap_future(future)) for future in futures)))

    def score_one(self, answer: Any, task: str = "", seed: int | None = None) -> Sample:
        return self.score([answer], [task], [seed])[0]

    def submit(
        self, answers: Sequence[Any], tasks: Sequence[str] | None = None, seeds: Sequence[int | None] | None = None
    ) -> list[Future[Sample]]:
        """One future for every answer. Equal kernels in flight (task, seed and text) share one evaluation."""
        for name, given in (("tasks", tasks), ("seeds", seeds)):
            if given is not None and len(given) != len(answers):
                raise ConfigError(f"{name} has {len(given)} entries for {len(answers)} answers; give one for each")
        wanted = []
        for i, answer in enumerate(answers):
            task = (tasks[i] if tasks is not None else "") or self.task
            if not task:
                raise ConfigError("no task: name one (task=…), or give the data set a column 'task'")
            self._check_task(task)
            seed = seeds[i] if seeds is not None else None
            wanted.append((answer, task, self.seed if seed is None else check_seed(seed)))
        return [self._submit(*job) for job in wanted]

    @property
    def run_directory(self) -> str:
        """Where records go; starts the evaluator."""
        with self._lock:
            return self._known(self.task or task_names()[0]).evaluator.run_directory

    def close(self) -> None:
        """Ends what was started; what is still in flight is no sample. May be called any number of times."""
        with self._lock:
            engine, self._engine, env, self._env = self._engine, None, self._env, None
        if engine is not None:
            engine.close()
        if env is not None:
            env.close()

    def __enter__(self) -> KernelScorer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_task(self, task: str) -> None:
        _known_task(task, tuple(self._options.get("task_directories", ())), os.fspath(self._options.get("config", "")))

    def _submit(self, answer: Any, task: str, seed: int) -> Future[Sample]:
        found = extract_kernel(answer)
        key = (task, seed, found.source or "")
        with self._lock:
            if self._pid != os.getpid():  # after a fork: threads and processes are the parent's
                self._pid, self._in_flight, self._engine, self._env = os.getpid(), {}, None, None
            future = self._in_flight.get(key)
            fresh = future is None
            if future is None:
                future = self._in_flight[key] = _or_no_sample(self._judge(task, found.source or "", seed), task, seed)
        if fresh:  # outside the lock: a future that is done already calls at once
            future.add_done_callback(functools.partial(self._forget, key))
        note = found.reason or found.note
        return then(future, lambda sample: replace(sample, feedback=f"{note}\n{sample.feedback}")) if note else future

    def _forget(self, key: tuple[str, int, str], _: Future[Sample]) -> None:
        with self._lock:
            self._in_flight.pop(key, None)

    def _judge(self, task: str, source: str, seed: int) -> Future[Sample]:
        """The judgement of one kernel; the lock is held. RuntimeError and OSError (then, or in the future) are ours."""
        try:
            if self._engine is None:
                self._engine = self._started(task)
            step = self._engine.submit(task, as_bytes(source), seed)
        except (OSError, RuntimeError) as error:
            step = Future()
            step.set_exception(error)
        return then(step, lambda result: _sample_of(result, source, seed))

    def _known(self, task: str) -> KernelEnv:
        if self._env is None:
            self._env = KernelEnv(task, **self._options)
        return self._env

    def _started(self, task: str) -> PoolEngine:
        env = self._known(task)
        core = env.evaluator.core
        backend = env.evaluator.backend
        tasks = [name for name in core.task_names() if backend in core.task(name).backends]
        return PoolEngine(core, tasks, env.reward_settings, places=_PLACES, compilers=self._compilers)


def _sample_of(result: StepResult, source: str, seed: int) -> Sample:
    facts = result.record.evaluation
    scored = math.isfinite(result.reward)
    if not scored:
        _log.warning("%s: no sample, the evaluation failed: %s", facts.task, facts.explanation)
    return Sample(
        reward=float(result.reward) if scored else None,
        verdict=facts.verdict.name,
        feedback=result.observation,
        speedup=facts.speedup.estimate if facts.speedup else None,
        passed_share=float(facts.passed_share),
        source=source,
        seed=seed,
        record=result.record,
    )


def _or_no_sample(judged: Future[Sample], task: str, seed: int) -> Future[Sample]:
    """What failed for our reasons (a lost warden, the disk) becomes a sample without reward; other errors stay."""
    made: Future[Sample] = Future()
    made.set_running_or_notify_cancel()

    def finish(done: Future[Sample]) -> None:
        error = done.exception()
        if error is None:
            made.set_result(done.result())
        elif isinstance(error, (OSError, RuntimeError)):
            _log.warning("%s: no sample, the evaluation failed: %s", task, error)
            text = f"The evaluation failed: {error}"
            made.set_result(Sample(None, Verdict.infrastructure_error.name, text, seed=seed))
        else:
            made.set_exception(error)

    judged.add_done_callback(finish)
    return made


@functools.lru_cache(maxsize=256)
def _known_task(task: str, directories: tuple[str, ...], config: str) -> None:
    find_task(task, directories, config)


def check_seed(seed: Any) -> int:
    """A seed as reset() takes it; ConfigError for anything else."""
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise ConfigError(f"a seed is a whole number, not {seed!r}")
    number = int(seed)
    if not 0 <= number < _SEEDS:
        raise ConfigError(f"a seed lies in [0, 2**63), not {number}")
    return number


def task_prompt(
    task: str, *, backend: str = "cpu", config: str | os.PathLike[str] = "", task_directories: Sequence[str] = ()
) -> list[dict[str, str]]:
    """The messages that tell a model about a task and the shape of its answer. Starts nothing."""
    found = find_task(task, task_directories, os.fspath(config), backend)
    return messages_of(found.prompt(backend, "this machine"))


def then(future: Future[Before], change: Callable[[Before], After]) -> Future[After]:
    """A future of its own for what `change` makes of another's result; that one keeps what others see."""
    made: Future[After] = Future()
    made.set_running_or_notify_cancel()  # nobody may cancel it half way

    def finish(done: Future[Before]) -> None:
        try:
            made.set_result(change(done.result()))
        except BaseException as error:
            made.set_exception(error)

    future.add_done_callback(finish)
    return made
