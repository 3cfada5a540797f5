"""TRL: a reward function for GRPOTrainer (and every trainer of TRL that calls reward functions the same way).

    trainer = GRPOTrainer(model, reward_funcs=KernelReward(backend="cuda"), train_dataset=Dataset.from_list(rows(…)))

No sample: the function returns None; TRL leaves such a completion out of its group's mean and deviation, and its
advantage is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from crucible.integrations.scoring import KernelScorer, Sample, task_prompt


class KernelReward:
    """`f(prompts, completions, **columns) -> list[float | None]`.

    Columns of the data set that count: `task` (wins over the argument) and `seed` (of the inputs that kernels are
    judged on). TRL repeats a row for every completion of its group, so a group shares its seed. Keyword arguments are
    KernelScorer's, or a `scorer` of your own.
    """

    def __init__(self, task: str = "", *, seed: int = 0, scorer: KernelScorer | None = None, **options: Any) -> None:
        self.scorer = scorer if scorer is not None else KernelScorer(task, seed=seed, **options)
        self.__name__ = "crucible"  # what TRL calls the reward in its logs
        self.last_samples: list[Sample] = []

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        task: Sequence[str] | None = None,
        seed: Sequence[int | None] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        log_extra: Callable[[str, list[Any]], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        samples = self.scorer.score(completions, task, seed)
        self.last_samples = samples
        if log_metric is not None:
            for name, value in metrics(samples).items():
                log_metric(name, value)
        if log_extra is not None:
            log_extra("verdict", [sample.verdict for sample in samples])
        return [sample.reward for sample in samples]

    def close(self) -> None:
        self.scorer.close()


def metrics(samples: Sequence[Sample]) -> dict[str, float]:
    """Figures of a batch for a trainer's log; what nothing was measured of is left out."""
    made = {"crucible/failed_share": sum(not s.scored for s in samples) / len(samples)} if samples else {}
    scored = [s for s in samples if s.scored]
    if scored:
        made["crucible/correct_share"] = sum(s.correct for s in scored) / len(scored)
    speeds = [math.log2(s.speedup) for s in scored if s.speedup]
    if speeds:
        made["crucible/log2_speedup"] = sum(speeds) / len(speeds)
    return made


def rows(
    tasks: Sequence[str], *, repeat: int = 1, seed: int = 0, chat: bool = True, backend: str = "cpu", **options: Any
) -> list[dict[str, Any]]:
    """Rows of a training set: `prompt` (messages, or text with chat=False), `task` and `seed`.

    The n-th repetition of a task has the seed `seed + n`: fresh inputs, the same for a whole group.
    """
    made = []
    for turn in range(repeat):
        for task in tasks:
            messages = task_prompt(task, backend=backend, **options)
            made.append({"prompt": messages if chat else messages[0]["content"], "task": task, "seed": seed + turn})
    return made
