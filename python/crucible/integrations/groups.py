"""Advantages of a group in which some samples have no reward, for trainers that cannot leave one out."""

from __future__ import annotations

import math
from collections.abc import Sequence


def group_advantages(
    rewards: Sequence[float | None], *, normalise: bool = True, epsilon: float = 1e-4, unbiased: bool = True
) -> list[float]:
    """GRPO's advantages of one group: (r - mean) / (deviation + epsilon), over the samples that have a reward.

    None and NaN are no sample: their advantage is 0, and the others have exactly those of a group without them. A group
    with fewer than two rewards teaches nothing: all 0. Never NaN.
    """
    paid = [float(reward) for reward in rewards if reward is not None and math.isfinite(reward)]
    if len(paid) < 2:
        return [0.0] * len(rewards)
    mean = math.fsum(paid) / len(paid)
    spread = math.fsum((reward - mean) ** 2 for reward in paid) / (len(paid) - (1 if unbiased else 0))
    scale = math.sqrt(spread) + epsilon if normalise else 1.0
    return [
        (float(reward) - mean) / scale if reward is not None and math.isfinite(reward) else 0.0 for reward in rewards
    ]
