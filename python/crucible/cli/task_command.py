"""`crucible task check`: whether a task can tell right from wrong, before any kernel is paid for it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import crucible
from crucible.cli import console
from crucible.cli.console import out
from crucible.cli.inspect_commands import evaluator_arguments
from crucible.evaluator import Evaluator, Progress

QUICK = (3, 1)  # seeds on which each baseline must be correct, and how many of them are timed
THOROUGH = (20, 5)


def task(options: argparse.Namespace) -> int:
    """Makes data, references and bars, refuses what cannot tell right from wrong, puts every baseline in the
    candidate's place, and runs the seed kernel, which must be correct. 1 when one of the tasks fails."""
    names = []
    for given in options.tasks:
        path = Path(given)
        if path.suffix == ".yaml" and path.is_file():
            options.task_dir.append(str(path.parent))
            given = path.stem
        crucible.find_task(given, options.task_dir, options.config)
        names.append(given)
    rows = []
    with Evaluator(**evaluator_arguments(options), write_records=False) as evaluator:
        for name in names:
            with console.progress(f"check {name}", not options.no_progress and not options.json) as progress:
                rows.append(check_task(evaluator, name, THOROUGH if options.thorough else QUICK, progress))
            if not options.json:
                _print(rows[-1])
    if options.json:
        console.print_json(rows)
    return 0 if all(row["passed"] for row in rows) else 1


def check_task(evaluator: Evaluator, name: str, trials: tuple[int, int], progress: Progress | None) -> dict[str, Any]:
    """One row of the answer: {"task", "passed", "seed_kernel", "problems", "notes", …} and what the judge reported."""
    row: dict[str, Any] = {"task": name, "passed": False, "seed_kernel": None, "problems": [], "notes": []}
    found = evaluator.task(name)
    try:
        report = evaluator.check_task(found, *trials, progress=progress)
    except (crucible.ConfigError, RuntimeError) as error:
        row["problems"].append(str(error))
        return row
    for problem in report.pop("problems"):
        line = f"{found.file}: {problem['key']}: {problem['what']}"
        row["problems" if problem["error"] else "notes"].append(line)
    row["notes"] += [f"removed: {each}" for each in report["removed"]]
    row["notes"] += [f"ill-conditioned: {each}" for each in report["ill_conditioned"]]
    row["notes"] += report.pop("notes")
    facts = evaluator.evaluate(found, found.seed_kernel, use_cache=False, progress=progress)
    if facts.verdict is not crucible.Verdict.correct:
        row["problems"].append(f"{found.file}: seed_kernel: it is {facts.verdict.name}: {facts.explanation}")
    return {**row, **report, "seed_kernel": facts.verdict.name, "passed": not row["problems"]}


def _print(row: dict[str, Any]) -> None:
    mark = "[green]passes[/green]" if row["passed"] else "[red]fails[/red]"
    out.print(f"[bold]{row['task']}[/bold] {mark}")
    for problem in row["problems"]:
        out.print(f"  error: {problem}", markup=False)
    for timed in row.get("workloads", []):
        out.print(f"  {workload_line(timed)}", markup=False)
    for trial in row.get("baselines", []):
        out.print(f"  {trial_line(trial)}", markup=False)
    for note in row["notes"]:
        out.print(f"  note: {note}", markup=False)


def workload_line(timed: dict[str, Any]) -> str:
    """Every baseline's time, and how much of what the machine can do that is."""
    roof = timed["roof_ns"]
    shares = [
        f"{name} {ns / 1000:.4g} us" + (f" ({roof / ns:.0%} of the roof)" if roof else "")
        for name, ns in sorted(timed["all_ns"].items(), key=lambda each: each[1])
    ]
    return f"{timed['name']} ({timed['mode']}): " + ", ".join(shares)


def trial_line(trial: dict[str, Any]) -> str:
    """How one baseline does in the candidate's place."""
    right = trial["seeds"] - trial["failures"]
    line = f"{trial['baseline']} as a candidate: correct on {right} of {trial['seeds']} seeds"
    line += f" ({trial['cases']} cases each)"
    intervals = trial["intervals"]
    if intervals:
        holds = sum(lower <= 1 <= upper for lower, upper in intervals)
        line += f", interval over itself contains 1 in {holds} of {len(intervals)} (last: {intervals[-1][0]:.3f} to "
        line += f"{intervals[-1][1]:.3f})"
    if trial["untimed"]:
        line += f"; not timed: {trial['untimed']}"
    return line
