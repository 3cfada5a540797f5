"""verifiers: a taskset of kernel tasks (its v1 interface), for its eval command and for prime-rl.

verifiers finds a taskset by the name of an importable module, so give it one, crucible_kernels.py:

    from crucible.integrations.verifiers import *
    from crucible.integrations.verifiers import __all__

    vf-eval crucible_kernels --env.taskset.kernels '["rms_norm", "softmax"]' --env.taskset.task.backend cuda …

No sample: the reward raises, and verifiers records a TaskError: the trace's `ok` is false and it has no reward.
Leave such traces out of their groups, as `advantages()` does for a list of traces.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import verifiers.v1 as vf

from crucible.configuration import task_names
from crucible.integrations.groups import group_advantages
from crucible.integrations.scoring import KernelScorer, task_prompt

__all__ = ["KernelTaskset"]

_scorers: dict[str, KernelScorer] = {}
_lock = threading.Lock()


class NoSample(RuntimeError):
    """The evaluation failed for a reason that is not the model's: this trace has no reward."""


class KernelTaskConfig(vf.TaskConfig):
    """KernelScorer's options, under --env.taskset.task."""

    backend: str = "auto"
    device: str = ""
    reward: str = "default"
    run_directory: str = ""
    secret: str = ""
    time_budget_seconds: float = 5.0


class KernelTasksetConfig(vf.TasksetConfig):
    task: KernelTaskConfig = KernelTaskConfig()
    kernels: list[str] = []  # noqa: RUF012  (a pydantic field)
    """Names of Crucible's tasks; none: all of them."""
    seed: int = 0
    """Of the inputs that kernels are judged on; the n-th repetition of a task has seed + n."""
    repeat: int = 1


class KernelData(vf.TaskData):
    kernel: str
    """The name of Crucible's task."""
    seed: int = 0
    """Shared by every rollout of this task: a group is judged on the same inputs."""


class KernelTask(vf.Task[KernelData, vf.State, KernelTaskConfig]):
    @vf.reward
    async def crucible(self, trace: vf.Trace) -> float:
        scorer = scorer_of(self.config)
        (sample,) = await scorer.ascore([trace.last_reply], [self.data.kernel], [self.data.seed])
        trace.info["crucible"] = {"verdict": sample.verdict, "feedback": sample.feedback}
        if sample.reward is None:
            raise NoSample(sample.feedback)
        measured = {"correct": float(sample.correct), "passed_share": sample.passed_share}
        trace.record_metrics(measured if sample.speedup is None else {**measured, "speedup": sample.speedup})
        return sample.reward


class KernelTaskset(vf.Taskset[KernelTask, KernelTasksetConfig]):
    def load(self) -> Iterable[KernelTask]:
        config = self.config
        backend = "cuda" if config.task.backend == "cuda" else "cpu"
        for turn in range(config.repeat):
            for name in config.kernels or task_names():
                yield KernelTask(
                    KernelData(
                        name=name,
                        kernel=name,
                        seed=config.seed + turn,
                        prompt=task_prompt(name, backend=backend)[0]["content"],
                    ),
                    config.task,
                )


def scorer_of(config: KernelTaskConfig) -> KernelScorer:
    """The process's scorer for these options."""
    options: dict[str, Any] = {name: getattr(config, name) for name in KernelTaskConfig.__annotations__}
    key = json.dumps(options, sort_keys=True)
    with _lock:
        if key not in _scorers:
            _scorers[key] = KernelScorer(**options)
        return _scorers[key]


def advantages(traces: Sequence[vf.Trace], **options: Any) -> list[float]:
    """group_advantages() of the traces of one group; those that failed are left out (0)."""
    return group_advantages([trace.reward if trace.ok else None for trace in traces], **options)
