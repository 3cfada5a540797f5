"""`crucible demo`: real kernels, judged; then a small policy that learns which ones pay."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

import crucible
from crucible.cli import console
from crucible.cli.console import number, out
from crucible.cli.record_view import speedup_text, verdict_text
from crucible.demo.assortment import Kernel, find_kernels, kernels_directory
from crucible.demo.curve import draw_curve
from crucible.demo.policy import TemplatePolicy
from crucible.demo.template import kernel_template
from crucible.environment import KernelEnv, term_values
from crucible.evaluator import Evaluator

_GROUP = 4  # kernels between two updates of the policy
_LEARNING_SECONDS = 1.0  # of timing for each kernel of the policy: a wider interval, many more kernels


def run_demo(
    kernels: str, tasks: list[str], steps: int, seed: int, show_progress: bool, evaluator_options: dict[str, Any]
) -> int:
    """Runs both parts and says where the records and the picture are. 1 when one of the parts could not be done."""
    started = time.monotonic()
    assortment = find_kernels(kernels_directory(kernels), tasks)
    with Evaluator(**evaluator_options) as evaluator:
        out.print(f"[bold]Crucible[/bold] on {evaluator.backend}: {evaluator.device_name}")
        out.print(f"run directory: {evaluator.run_directory}\n", markup=False)
        for task in tasks:
            with console.progress(f"{task}: making data, calibrating baselines", show_progress) as progress:
                evaluator.warm(task, progress)
        rows = [(kernel, _judge(evaluator, kernel, seed, show_progress)) for kernel in assortment]
        _print_table(rows)
        run_directory = Path(evaluator.run_directory)
        config = evaluator_options["config"]
    rewards = _learn(
        {**evaluator_options, "run_directory": run_directory, "config": config}, steps, seed, show_progress
    )
    out.print(f"records: {run_directory / 'records.jsonl'} (crucible explain {run_directory})", markup=False)
    out.print(f"done in {time.monotonic() - started:.0f} s")
    ours = any(r.evaluation.verdict is crucible.Verdict.infrastructure_error for _, r in rows)
    return 1 if ours or not any(math.isfinite(reward) for reward in rewards) else 0


def _judge(evaluator: Evaluator, kernel: Kernel, seed: int, show_progress: bool) -> crucible.Record:
    env = KernelEnv(kernel.task, evaluator=evaluator)
    with console.progress(f"{kernel.task}/{kernel.kind}", show_progress) as progress:
        env.progress = progress
        env.reset(seed=seed)
        env.step(kernel.source)
    record = env.last_record
    assert record is not None
    out.print(
        Text(f"  {kernel.task}/{kernel.kind}: ")
        + verdict_text(record.evaluation.verdict)
        + Text(f", reward {number(record.reward.reward)}")
    )
    return record


def _print_table(rows: list[tuple[Kernel, crucible.Record]]) -> None:
    paid = [term_values(record) for _, record in rows]
    names = [name for name in dict.fromkeys(n for terms in paid for n in terms) if any(t.get(name) for t in paid)]
    table = Table(
        "task",
        "kernel",
        "verdict",
        "speedup [99 %]",
        "novelty",
        *names,
        "reward",
        title="The assortment",
        title_justify="left",
    )
    before = ""
    for kernel, record in rows:
        if before and kernel.task != before:
            table.add_section()
        terms = term_values(record)
        novelty = record.evaluation.novelty.score
        table.add_row(
            kernel.task if kernel.task != before else "",
            kernel.kind,
            verdict_text(record.evaluation.verdict),
            speedup_text(record),
            number(novelty, "{:.2f}"),
            *(f"{terms.get(n, 0.0):+.3f}" for n in names),
            Text(number(record.reward.reward), style="bold"),
        )
        before = kernel.task
    out.print()
    out.print(table, soft_wrap=False)
    for kernel, record in rows:
        for finding in record.evaluation.findings:
            out.print(Text(f"  {kernel.task}/{kernel.kind}: {finding.kind}: {finding.evidence}"))
    out.print()


def _learn(options: dict[str, Any], steps: int, seed: int, show_progress: bool) -> list[float]:
    """The policy against rms_norm; draws the curve. Kernels met again are answered from the cache."""
    template = kernel_template("rms_norm")
    policy = TemplatePolicy(template.choices, seed)
    env = KernelEnv("rms_norm", **options, time_budget_seconds=_LEARNING_SECONDS)
    rewards: list[float] = []
    try:
        out.print(f"[bold]A policy learns[/bold] (REINFORCE over {', '.join(template.choices)}; {steps} kernels)")
        with console.progress("learning", show_progress) as progress:
            group: list[tuple[dict[str, str], float]] = []
            for step in range(steps):
                choice = policy.sample()
                env.reset(seed=seed)
                _, reward, _, _, info = env.step(template.source(choice))
                rewards.append(reward)
                group.append((choice, reward))
                if progress:
                    progress(f"{step + 1}/{steps}, last reward {number(reward)}", (step + 1) / steps)
                if len(group) == _GROUP or step + 1 == steps:
                    policy.learn(group)
                    mean = [r for _, r in group if math.isfinite(r)]
                    out.print(
                        f"  kernels {step + 2 - len(group):3}-{step + 1:3}: mean reward "
                        f"{number(sum(mean) / len(mean) if mean else None)}, last speedup {number(info['speedup'])}"
                    )
                    group = []
        best = policy.best()
    finally:
        env.close()
    quarter = max(len(rewards) // 4, 1)
    first, last = _mean(rewards[:quarter]), _mean(rewards[-quarter:])
    out.print(
        f"mean reward of the first {quarter}: {number(first)}, of the last {quarter}: {number(last)}; "
        f"it settles on {template.describe(best)}"
    )
    picture = Path(options["run_directory"]) / "learning_curve.png"
    if draw_curve(rewards, first, picture, "REINFORCE over an rms_norm template"):
        out.print(f"learning curve: {picture}", markup=False)
    else:
        out.print("no learning curve: matplotlib is missing (pip install crucible-kernels[plots])", markup=False)
    return rewards


def _mean(rewards: list[float]) -> float:
    paid = [reward for reward in rewards if math.isfinite(reward)]
    return sum(paid) / len(paid) if paid else math.nan
