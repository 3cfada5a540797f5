"""What all trainers' tests share: kernels of four kinds, their rewards by env.step, and a scorer that loses some."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import crucible
from answering import AnsweringScorer
from crucible.chat import fenced
from crucible.environment import KernelEnv
from crucible.integrations import Sample

KERNELS = Path(__file__).parents[2] / "examples" / "kernels" / "rms_norm"
KINDS = ("fast", "slow", "wrong", "cheat")
TASK = "rms_norm"
SEED = 7
OPTIONS: dict[str, Any] = {
    "backend": "cpu",
    "run_directory": os.environ["CRUCIBLE_TRAINER_RUN"],
    "secret": "trainers' tests",
    "time_budget_seconds": 0.4,
}
LOST = "// the evaluation of this one is lost"


def answer(kind: str) -> str:
    return f"<think>hm</think>This one:\n\n{fenced((KERNELS / f'{kind}.cpp').read_text(encoding='utf-8'))}\nDone."


def stepped_rewards() -> dict[str, float]:
    """The reward of every kind by env.step; later evaluations of the same kernels share its facts through the cache."""
    rewards = {}
    env = KernelEnv(TASK, **OPTIONS)
    for kind in KINDS:
        env.reset(seed=SEED)
        rewards[kind] = env.step((KERNELS / f"{kind}.cpp").read_text(encoding="utf-8"))[1]
    env.close()
    assert len(set(rewards.values())) >= 3, rewards
    return rewards


class FlakyScorer(AnsweringScorer):
    """Loses the warden on marked kernels, and takes the reward of others from their first line: `// reward R`."""

    def evaluate(self, task: str, source: str, seed: int) -> Sample:
        if LOST in source:
            raise crucible.WardenLost("the warden is gone")
        return Sample(float(source.split()[2]), "correct", "good", source=source, seed=seed)


def paying(reward: float | None, salt: int = 0) -> str:
    """An answer that FlakyScorer pays so much; None: lost."""
    return fenced(f"{LOST} {salt}" if reward is None else f"// reward {reward!r} {salt}")


#: Three of eight are lost; what is left is a group of five.
EIGHT: tuple[float | None, ...] = (0.3, None, 0.02, -0.2, None, 0.9, 0.41, None)
FIVE = tuple(reward for reward in EIGHT if reward is not None)
