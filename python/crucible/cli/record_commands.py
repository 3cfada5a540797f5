"""Commands on records: explain, rescore, replay."""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from typing import Any

from rich.table import Table

import crucible
from crucible import Record, Reward, RewardModel, RewardSettings, Verdict
from crucible.cli import console, selectors
from crucible.cli.console import number, out
from crucible.cli.inspect_commands import evaluator_arguments
from crucible.cli.record_view import print_record, speedup_text, verdict_text
from crucible.environment import KernelEnv


def explain(options: argparse.Namespace) -> int:
    record = selectors.one_record(options.record)
    reward = RewardModel(record.settings).score(record.evaluation)
    if options.json:
        facts: dict[str, Any] = json.loads(record.evaluation_json())
        facts["record_id"] = record.id
        facts["model"] = record.settings.model
        facts["why"] = [{"term": t.name, "value": t.value, "why": t.why} for t in reward.terms]
        facts["recomputed_reward"] = reward.reward
        console.print_json(facts)
        return 0
    print_record(record, reward)
    if not same(reward, record.reward):
        out.print(f"recorded reward {record.reward.reward!r}: this version computes another value", style="yellow")
    return 0


def rescore(options: argparse.Namespace) -> int:
    records = selectors.all_records(options.records)
    if options.task:
        tasks = {r.evaluation.task for r in records}
        records = [r for r in records if r.evaluation.task == options.task]
        if not records:
            raise crucible.ConfigError(f"no record of task '{options.task}'; the file has: {', '.join(sorted(tasks))}")
    changes = selectors.overrides(options.overrides)
    rows = list(_rescored(records, options.reward, changes))
    if options.json:
        console.print_json([_row(record, reward) for record, reward in rows])
        return 0
    table = Table("record", "task", "verdict", "speedup", "recorded", "rescored", box=None, pad_edge=False)
    for record, reward in rows:
        table.add_row(
            record.id,
            record.evaluation.task,
            verdict_text(record.evaluation.verdict),
            speedup_text(record),
            number(record.reward.reward, "{:.4f}"),
            number(reward.reward, "{:.4f}"),
        )
    out.print(table)
    changed = sum(not same(reward, record.reward) for record, reward in rows)
    mean = [reward.reward for _, reward in rows if math.isfinite(reward.reward)]
    out.print(
        f"{len(rows)} records, {changed} with another reward" + (f", mean {sum(mean) / len(mean):.4f}" if mean else "")
    )
    return 0


def _rescored(records: list[Record], reward: str | None, changes: list[tuple[str, str]]) -> Any:
    """With a configuration named, that one; else each record's own settings with the changes applied."""
    if reward is not None:
        yield from crucible.rescore(records, reward, changes)
        return
    models: dict[str, RewardModel] = {}
    for record in records:
        key = f"{record.settings.model}{record.settings.numbers}{record.settings.prices}"
        if key not in models:
            settings: RewardSettings = record.settings
            if changes:
                settings = crucible.load_reward(settings, changes).settings
            models[key] = RewardModel(settings)
        yield record, models[key].score(record.evaluation)


def _row(record: Record, reward: Reward) -> dict[str, Any]:
    terms: dict[str, float] = defaultdict(float)
    for term in reward.terms:
        terms[term.name] += term.value
    return {
        "record_id": record.id,
        "task": record.evaluation.task,
        "verdict": record.evaluation.verdict.name,
        "recorded": record.reward.reward,
        "rescored": reward.reward,
        "same": same(reward, record.reward),
        "terms": dict(terms),
    }


def same(a: Reward, b: Reward) -> bool:
    """Bit for bit, NaN included."""
    return a.reward == b.reward or (math.isnan(a.reward) and math.isnan(b.reward))


def replay(options: argparse.Namespace) -> int:
    record = selectors.one_record(options.record)
    before = record.evaluation
    if not options.run:  # the same secret makes the same data
        options.run = (
            selectors.records_file(options.record.rpartition(":")[0] or options.record).rpartition("/")[0] or "."
        )
    if options.backend == "auto":
        options.backend = before.backend
    env = KernelEnv(
        before.task, **evaluator_arguments(options), reward=record.settings, cache=False, max_turns=record.turn + 1
    )
    try:
        with console.progress(f"replay {before.task}", not options.no_progress and not options.json) as progress:
            after = env.evaluator.evaluate(
                before.task, record.source, seed=before.seed, turn=record.turn, use_cache=False, progress=progress
            )
    finally:
        env.close()
    agreement = compare(record, after)
    if options.json:
        console.print_json(agreement)
    else:
        for question, answer in agreement["checks"].items():
            out.print(
                f"{'agrees' if answer['agrees'] else 'differs':8}{question}: {answer['before']} → {answer['after']}",
                markup=False,
            )
        out.print("the replay agrees" if agreement["agrees"] else "the replay does not agree")
    return 0 if agreement["agrees"] else 1


def compare(record: Record, after: crucible.Evaluation) -> dict[str, Any]:
    """Whether a second evaluation says the same. Time is noisy: its intervals must overlap."""
    before = record.evaluation
    checks: dict[str, dict[str, Any]] = {}

    def check(name: str, a: Any, b: Any, agrees: bool | None = None) -> None:
        checks[name] = {"before": a, "after": b, "agrees": a == b if agrees is None else agrees}

    check("verdict", before.verdict.name, after.verdict.name)
    check("source_sha256", before.source_sha256, after.source_sha256)
    check(
        "passed families",
        {f.family: f.passed == f.cases for f in before.families},
        {f.family: f.passed == f.cases for f in after.families},
    )
    if before.speedup is not None and after.speedup is not None:
        a, b = before.speedup, after.speedup
        check("speedup interval", [a.lower, a.upper], [b.lower, b.upper], a.lower <= b.upper and b.lower <= a.upper)
    ours = Verdict.infrastructure_error in (before.verdict, after.verdict)
    return {
        "record_id": record.id,
        "agrees": not ours and all(c["agrees"] for c in checks.values()),
        "checks": checks,
        "reward_before": record.reward.reward,
        "reward_after": RewardModel(record.settings).score(after).reward,
    }
