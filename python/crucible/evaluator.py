"""The evaluator as Python sees it: made lazily, shared within a process, closed when its last user closes."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from crucible import _core
from crucible._core import Evaluation, EvaluatorOptions, Task
from crucible.configuration import config_directory

Progress = Callable[[str, float], None]


def make_options(
    backend: str = "auto",
    device: str = "",
    run_directory: str | os.PathLike[str] = "",
    config: str | os.PathLike[str] = "",
    task_directories: Iterable[str | os.PathLike[str]] = (),
    isolation_demand: str = "",
    secret: str = "",
    cache: bool = True,
    write_records: bool = True,
    time_budget_seconds: float = 5.0,
    archive: str | os.PathLike[str] = "",
) -> EvaluatorOptions:
    """EvaluatorOptions from keyword arguments; empty means the package's own.

    `archive` is a file, made when missing: its current snapshot is known beside the package's kernels, and it receives
    kernels whose novelty is paid. They become known when it is advanced (`Archive(path).advance()`).
    """
    options = EvaluatorOptions()
    options.backend = backend
    options.device = device
    options.run_directory = os.fspath(run_directory)
    options.config_directory = os.fspath(config) or config_directory()
    options.task_directories = [os.fspath(d) for d in task_directories]
    options.isolation_demand = isolation_demand
    options.secret = secret
    options.cache = cache
    options.write_records = write_records
    options.time_budget_seconds = time_budget_seconds
    options.archive = os.fspath(archive)
    return options


def as_bytes(source: str | bytes) -> bytes:
    """The source's bytes. A lone surrogate keeps its (invalid) encoding: it has a verdict, not an exception."""
    if isinstance(source, str):
        return source.encode("utf-8", "surrogatepass")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    raise TypeError(f"a kernel's source is str or bytes, not {type(source).__name__}")


class Evaluator:
    """Evaluates candidates for one backend and device.

    Nothing is started before the first use. Thread-safe; a context manager; `close()` ends every process it started
    and may be called any number of times.
    """

    def __init__(self, **options: Any) -> None:
        self._options = make_options(**options)
        self._core: _core.Evaluator | None = None
        self._lock = threading.Lock()
        self._closed = False

    @property
    def core(self) -> _core.Evaluator:
        """The C++ evaluator, started when first needed."""
        with self._lock:
            if self._closed:
                raise RuntimeError("the evaluator is closed")
            if self._core is None:
                self._core = _core.Evaluator(self._options)
            return self._core

    def evaluate(
        self,
        task: str | Task,
        source: str | bytes,
        *,
        seed: int = 0,
        turn: int = 0,
        use_cache: bool = True,
        progress: Progress | None = None,
    ) -> Evaluation:
        """All facts about `source` as a candidate for `task`; score them with a RewardModel."""
        found = self.core.task(task) if isinstance(task, str) else task
        return self.core.evaluate(found, as_bytes(source), seed, turn, use_cache, progress)

    def warm(self, task: str | Task, progress: Progress | None = None) -> list[str]:
        """Makes pools and calibrates baselines ahead; one readable line per workload."""
        return self.core.warm(self.core.task(task) if isinstance(task, str) else task, progress)

    def check_task(
        self, task: str | Task, seeds: int = 3, timed_seeds: int = 1, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Whether a task can tell right from wrong: problems, and how its baselines do in the candidate's place."""
        found = self.core.task(task) if isinstance(task, str) else task
        report: dict[str, Any] = json.loads(self.core.check_task(found, seeds, timed_seeds, progress))
        return report

    def task(self, name: str) -> Task:
        return self.core.task(name)

    def task_names(self) -> list[str]:
        return self.core.task_names()

    @property
    def run_directory(self) -> str:
        return self.core.options.run_directory

    @property
    def backend(self) -> str:
        return self.core.options.backend

    @property
    def device_name(self) -> str:
        return self.core.device_name

    def diagnose(self) -> str:
        """What the host allows and what is missing, as JSON."""
        return self.core.diagnose()

    def close(self) -> None:
        with self._lock:
            core, self._core, self._closed = self._core, None, True
        if core is not None:
            core.close()

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Shared:
    """Evaluators by their options, counted: environments of one process and one run share processes and pools."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, tuple[Evaluator, int]] = {}
        self._pid = os.getpid()

    def acquire(self, options: dict[str, Any]) -> tuple[str, Evaluator]:
        key = repr(sorted((k, repr(v)) for k, v in options.items()))
        with self._lock:
            if self._pid != os.getpid():  # after a fork: what the parent holds is the parent's
                self._entries, self._pid = {}, os.getpid()
            evaluator, users = self._entries.get(key) or (Evaluator(**options), 0)
            self._entries[key] = (evaluator, users + 1)
            return key, evaluator

    def release(self, key: str, evaluator: Evaluator) -> None:
        with self._lock:
            held = self._entries.get(key)
            if held is None or held[0] is not evaluator:
                return
            if held[1] > 1:
                self._entries[key] = (evaluator, held[1] - 1)
                return
            del self._entries[key]
        evaluator.close()


shared = _Shared()
