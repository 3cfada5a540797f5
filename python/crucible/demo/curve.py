"""The learning curve as a picture."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np


def draw_curve(rewards: list[float], untrained_mean: float, path: Path, title: str) -> bool:
    """Every kernel's reward, their running mean and the mean before it learned. False when matplotlib is missing."""
    try:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        return False
    steps = [i + 1 for i, reward in enumerate(rewards) if math.isfinite(reward)]
    paid = np.array([reward for reward in rewards if math.isfinite(reward)])
    window = max(len(paid) // 8, 2)
    mean = [float(paid[max(0, i - window + 1) : i + 1].mean()) for i in range(len(paid))]
    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=110)
    axes.scatter(steps, paid, s=16, color="#888888", label="one kernel", zorder=2)
    axes.plot(steps, mean, color="#c0392b", linewidth=2.2, label=f"mean of the last {window}", zorder=3)
    axes.plot(steps, np.maximum.accumulate(paid), color="#2c3e50", linewidth=1, linestyle=":", label="best so far")
    if math.isfinite(untrained_mean):
        axes.axhline(untrained_mean, color="#2980b9", linewidth=1.2, linestyle="--", label="untrained policy")
    axes.set_xlabel("kernels tried")
    axes.set_ylabel("reward")
    axes.set_title(title)
    axes.grid(alpha=0.25)
    axes.legend(loc="upper left", framealpha=0.9)
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
    return True
