"""What both training examples share: judging choices, a random policy's rewards, the picture, the figures."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from crucible.chat import fenced
from crucible.demo.template import KernelTemplate, kernel_template, template_tasks
from crucible.integrations import KernelScorer

TASKS = ("rms_norm", "softmax", "silu_and_mul", "gemm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--backend", default="cpu", help="cpu or cuda")
    parser.add_argument("--tasks", default="", help="comma-separated; empty: all that have a template")
    parser.add_argument("--seed", type=int, default=0, help="of the policy, and of the inputs kernels are judged on")
    parser.add_argument("--run", default="", metavar="DIR", help="run directory; the same again answers from its cache")
    parser.add_argument("--time-budget", type=float, default=0.5, help="seconds of timing for one kernel")


def templates(options: argparse.Namespace) -> list[KernelTemplate]:
    known = template_tasks(options.backend)
    names = options.tasks.split(",") if options.tasks else [task for task in TASKS if task in known]
    return [kernel_template(name, options.backend) for name in names]


def scorer(options: argparse.Namespace) -> KernelScorer:
    return KernelScorer(
        seed=options.seed,
        backend=options.backend,
        run_directory=options.run,
        time_budget_seconds=options.time_budget,
    )


def judge(judging: KernelScorer, asked: Sequence[tuple[KernelTemplate, Mapping[str, str]]]) -> list[float]:
    """The reward of each choice of its template, all judged together; NaN where there is no sample."""
    answers = [fenced(template.source(choice)) for template, choice in asked]
    samples = judging.score(answers, [template.task for template, _ in asked])
    return [math.nan if sample.reward is None else sample.reward for sample in samples]


def mean(rewards: Sequence[float]) -> float:
    paid = [reward for reward in rewards if math.isfinite(reward)]
    return sum(paid) / len(paid) if paid else math.nan


def ends(rewards: Sequence[float], share: int = 4) -> tuple[float, float]:
    """Mean reward of the first and of the last quarter."""
    part = max(len(rewards) // share, 1)
    return mean(rewards[:part]), mean(rewards[-part:])


def draw(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], path: Path, title: str) -> bool:
    """A panel for each name: running means of a (trained, random) pair of rewards. False when matplotlib is missing."""
    try:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        return False
    width = min(len(curves), 2)
    height = -(-len(curves) // width)
    figure, axes = pyplot.subplots(height, width, figsize=(6 * width, 3.4 * height), dpi=110, squeeze=False)
    for place in axes.flat[len(curves) :]:
        place.axis("off")
    for place, (name, (trained, random)) in zip(axes.flat, curves.items(), strict=False):
        place.scatter(range(1, len(trained) + 1), trained, s=10, color="#c0392b", alpha=0.35)
        for rewards, colour, label in ((random, "#7f8c8d", "random policy"), (trained, "#c0392b", "trained policy")):
            values = np.array(rewards, dtype=float)
            window = max(len(values) // 8, 4)
            running = [np.nanmean(values[max(0, i - window + 1) : i + 1]) for i in range(len(values))]
            place.plot(
                range(1, len(values) + 1), running, color=colour, linewidth=2, label=f"{label}, mean of {window}"
            )
        place.set_title(name)
        place.set_xlabel("kernels")
        place.set_ylabel("reward")
        place.grid(alpha=0.25)
        place.legend(loc="lower right", fontsize=8)
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
    return True
