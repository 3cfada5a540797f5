"""The pool as futures: kernels of any task go in, in any number; each future gets its step's result."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from crucible import _core
from crucible._core import ConfigError, RewardSettings, StepResult

_PATIENCE = 0.2  # seconds between looks at whether the engine is being closed


@dataclass
class _Job:
    task: str
    source: bytes
    seed: int
    future: Future[StepResult] = field(default_factory=Future)


class PoolEngine:
    """One EnvPool over `tasks`, with `places` environments for each of them; what is more waits here, in order.

    A future gets a RuntimeError when the evaluation could not be made (ours), a ConfigError when it was asked wrongly.
    Thread-safe; a thread of its own takes answers from the pool until close().
    """

    def __init__(
        self,
        evaluator: _core.Evaluator,
        tasks: Sequence[str],
        reward: RewardSettings,
        *,
        places: int,
        compilers: int = 0,
    ) -> None:
        self._tasks = list(tasks)
        self._pool = _core.EnvPool(evaluator, self._tasks, places * len(self._tasks), reward, 1, compilers)
        # The pool deals its tasks to the environments in turn.
        self._free = {task: deque(range(i, len(self._pool), len(self._tasks))) for i, task in enumerate(self._tasks)}
        self._waiting: dict[str, deque[_Job]] = defaultdict(deque)
        self._running: dict[int, _Job] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._taker = threading.Thread(target=self._take, name="crucible-answers", daemon=True)
        self._taker.start()

    def submit(self, task: str, source: bytes, seed: int) -> Future[StepResult]:
        if task not in self._free:
            raise ConfigError(f"task {task!r} is unknown here; known: {', '.join(self._tasks)}")
        job = _Job(task, source, seed)
        job.future.set_running_or_notify_cancel()  # others may share it: nobody may cancel it
        with self._changed:
            if self._closed:
                raise RuntimeError("the engine is closed")
            self._waiting[task].append(job)
            refused = self._send(task)
        _refuse(refused)
        return job.future

    def close(self) -> None:
        """Abandons what is in flight; its futures get a RuntimeError. Any number of times."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._taker.join()
        self._pool.close()

    def _send(self, task: str) -> list[tuple[_Job, Exception]]:
        """Sends what waits for `task` while there is an environment; the lock is held. Returns what was refused, to be
        told when it is not: futures call back."""
        free, waiting = self._free[task], self._waiting[task]
        refused = []
        while free and waiting:
            job, env = waiting.popleft(), free.popleft()
            try:
                self._pool.reset(env, job.seed)
                self._pool.send([(env, job.source, 0, None)])
            except Exception as error:  # whatever it is belongs to whoever asked
                free.append(env)
                refused.append((job, error))
                continue
            self._running[env] = job
            self._changed.notify_all()
        return refused

    def _take(self) -> None:
        while True:
            with self._changed:
                while not self._running and not self._closed:
                    self._changed.wait()
                if self._closed:
                    left = [*self._running.values(), *(job for jobs in self._waiting.values() for job in jobs)]
                    self._running.clear()
                    self._waiting.clear()
                    break
            try:
                answers = self._pool.recv(1, _PATIENCE)
            except Exception as error:
                self._refused(error)
                continue
            for answer in answers:
                self._done(answer.env, answer.step)
        for job in left:
            job.future.set_exception(RuntimeError("the engine was closed before this kernel was judged"))

    def _done(self, env: int, result: StepResult | Exception) -> None:
        with self._changed:
            job = self._running.pop(env)
            self._free[job.task].append(env)
            refused = self._send(job.task)
        _refuse(refused)
        if isinstance(result, Exception):
            job.future.set_exception(result)
        else:
            job.future.set_result(result)

    def _refused(self, error: Exception) -> None:
        """An evaluation met bad configuration (or the pool is gone): its environments owe nothing any more."""
        with self._changed:
            try:
                owing = set(self._pool.pending())
            except RuntimeError:  # closed: nobody gets an answer any more
                owing = set()
            lost = [env for env in self._running if env not in owing]
        for env in lost:
            self._done(env, error)


def _refuse(refused: Sequence[tuple[_Job, Exception]]) -> None:
    for job, error in refused:
        job.future.set_exception(error)
