"""What every adapter does: answers in, samples out, in order; many at once."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from crucible._core import ConfigError, Record, Verdict
from crucible.chat import extract_kernel, messages_of
from crucible.configuration import find_task
from crucible.environment import KernelEnv

_log = logging.getLogger("crucible")
_SEEDS = 1 << 63


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
    """Judges chat answers with the same evaluator, reward and records as `KernelEnv.step`.

    `task` is used where a row names none. `seed` decides the inputs that kernels are judged on: every answer of a group
    must share one, so a seed belongs to a prompt (a column of the data set) or to the whole run (this argument), never
    to an answer. Other keyword arguments are KernelEnv's. Thread-safe; nothing is started before the first answer.
    """

    def __init__(self, task: str = "", *, seed: int = 0, workers: int = 0, **options: Any) -> None:
        if workers < 0:
            raise ConfigError(f"workers must be at least 0 (0: by the number of cores), not {workers}")
        if "max_turns" in options:
            raise ConfigError("max_turns: a trainer's reward judges one answer; for several turns use KernelEnv itself")
        self.task = task
        self.seed = check_seed(seed)
        self._options = options
        self._workers = workers or (os.cpu_count() or 2) + 2
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._pid = os.getpid()
        self._in_flight: dict[tuple[str, int, str], Future[Sample]] = {}
        self._held: KernelEnv | None = None
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
        if not self.task and self._held is None:
            raise ConfigError("no task: the run directory is known when the first answer has been judged")
        if self._held is None:
            self._hold(self.task)
        assert self._held is not None
        return self._held.evaluator.run_directory

    def close(self) -> None:
        """Waits for what is in flight and ends what was started; may be called any number of times."""
        with self._lock:
            pool, self._pool, held, self._held = self._pool, None, self._held, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)  # what has not begun never does
        if held is not None:
            held.close()

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
                self._pid, self._pool, self._in_flight, self._held = os.getpid(), None, {}, None
            future = self._in_flight.get(key)
            fresh = future is None
            if future is None:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="crucible")
                future = self._in_flight[key] = self._pool.submit(self._judge, task, found.source or "", seed)
        if fresh:  # outside the lock: a future that is done already calls at once
            future.add_done_callback(functools.partial(self._forget, key))
        note = found.reason or found.note
        return _then(future, lambda sample: _told(sample, note)) if note else future

    def _forget(self, key: tuple[str, int, str], _: Future[Sample]) -> None:
        with self._lock:
            self._in_flight.pop(key, None)

    def _judge(self, task: str, source: str, seed: int) -> Sample:
        try:
            return self._evaluate(task, source, seed)
        except (OSError, RuntimeError) as error:  # the disk, a lost warden: ours. What is configured wrongly is raised.
            _log.warning("%s: no sample, the evaluation failed: %s", task, error)
            return Sample(None, Verdict.infrastructure_error.name, f"The evaluation failed: {error}", seed=seed)

    def _evaluate(self, task: str, source: str, seed: int) -> Sample:
        self._hold(task)
        env = KernelEnv(task, **self._options)
        try:
            env.reset(options={"seed": seed})
            feedback, reward, _, _, info = env.step(source)
        finally:
            env.close()
        if not math.isfinite(reward):
            _log.warning("%s: no sample, the evaluation failed: %s", task, info["explanation"])
        return Sample(
            reward=reward if math.isfinite(reward) else None,
            verdict=info["verdict"],
            feedback=feedback,
            speedup=None if math.isnan(info["speedup"]) else info["speedup"],
            passed_share=info["passed_share"],
            source=source,
            seed=seed,
            record=env.last_record,
        )

    def _hold(self, task: str) -> None:
        """Keeps the shared evaluator alive between answers: its pools are made once."""
        with self._lock:
            if self._held is None:
                self._held = KernelEnv(task, **self._options)
            _ = self._held.evaluator


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


def _told(sample: Sample, note: str) -> Sample:
    return replace(sample, feedback=f"{note}\n{sample.feedback}")


def _then(future: Future[Sample], change: Callable[[Sample], Sample]) -> Future[Sample]:
    """A future of its own for a changed sample: the shared one keeps what others see."""
    made: Future[Sample] = Future()
    made.set_running_or_notify_cancel()  # nobody may cancel it half way

    def finish(done: Future[Sample]) -> None:
        error = done.exception()
        if error is not None:
            made.set_exception(error)
        else:
            made.set_result(change(done.result()))

    future.add_done_callback(finish)
    return made
