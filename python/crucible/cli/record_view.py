"""A record as a person reads it."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from crucible import Record, Reward, Verdict
from crucible.cli.console import number, out

_COLOURS = {
    Verdict.correct: "green",
    Verdict.integrity_violation: "red",
    Verdict.infrastructure_error: "magenta",
}


def verdict_text(verdict: Verdict) -> Text:
    return Text(verdict.name, style=_COLOURS.get(verdict, "yellow"))


def speedup_text(record: Record) -> str:
    """ "1.23 [1.20, 1.26]", with a star where the speed was withheld."""
    speed = record.evaluation.speedup
    if speed is None:
        return "–"
    return f"{speed.estimate:.2f} [{speed.lower:.2f}, {speed.upper:.2f}]" + ("*" if speed.withheld else "")


def print_record(record: Record, reward: Reward | None = None) -> None:
    """Verdict, what was found, times, novelty and the reward, term by term."""
    facts = record.evaluation
    reward = reward or record.reward
    out.print(verdict_text(facts.verdict), Text(f"{facts.task} on {facts.backend} ({facts.device})"))
    if facts.explanation:
        out.print(Text(facts.explanation))
    for finding in facts.findings:
        out.print(Text(f"finding {finding.kind}: {finding.evidence}"))
    if facts.diagnostics:
        out.print(Text(facts.diagnostics.rstrip(), style="dim"))
    for failure in facts.failures:
        where = "a hidden workload" if failure.hidden else failure.workload
        out.print(Text(f"wrong: {failure.family} on {where}: {failure.explanation}"))
    _print_workloads(record)
    if facts.novelty.score is not None:
        out.print(Text(f"novelty {facts.novelty.score:.2f}: {facts.novelty.sentence}"))
    table = Table("term", "value", "why", box=None, pad_edge=False)
    for term in reward.terms:
        table.add_row(term.name, f"{term.value:+.4f}", Text(term.why))
    table.add_row(Text("reward", style="bold"), Text(number(reward.reward, "{:.4f}"), style="bold"), "")
    out.print(table)


def _print_workloads(record: Record) -> None:
    speed = record.evaluation.speedup
    if speed is None:
        return
    table = Table(
        "workload", "yours", "baseline", "ratio", "share of calls", "fastest library", box=None, pad_edge=False
    )
    total = sum(w.count for w in record.evaluation.workloads) or 1.0
    for timing in record.evaluation.workloads:
        mine, theirs = timing.candidate_ns, timing.baseline_ns
        ratio = number(theirs / mine if mine and theirs else None, "{:.2f}×")
        table.add_row(
            timing.name, microseconds(mine), microseconds(theirs), ratio, f"{timing.count / total:.0%}", timing.baseline
        )
    out.print(table)
    out.print(Text(f"speedup {speedup_text(record)}, 99 % interval, {speed.pairs} pairs"))
    if speed.withheld:
        out.print(Text(f"speed withheld: {speed.withheld_reason}"))


def microseconds(ns: float | None) -> str:
    return "–" if ns is None else f"{ns / 1e3:.3g} µs"
