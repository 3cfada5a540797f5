"""`crucible top RUN`: a run while it goes on."""

from __future__ import annotations

import argparse
import time
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from crucible.cli import console
from crucible.cli.console import number, out
from crucible.monitoring import read_run


def top(options: argparse.Namespace) -> int:
    """Follows a run in a terminal; elsewhere, or with --once, prints it once. Ctrl-C ends the view, not the run."""
    if options.json:
        console.print_json(read_run(options.run))
        return 0
    if options.once or not out.is_terminal:
        out.print(view(read_run(options.run)))
        return 0
    with Live(view(read_run(options.run)), console=out, screen=False, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(options.interval)
                live.update(view(read_run(options.run)), refresh=True)
        except KeyboardInterrupt:
            return 0


def view(run: dict[str, Any]) -> Group:
    """A run as a person reads it."""
    parts: list[Any] = [Text(f"{run['run']}  {'live' if run['live'] else 'nobody works on it now'}", style="bold")]
    for pool in run["pools"]:
        parts += [_headline(pool), _stages(pool)]
    parts.append(_tasks(run["summary"]))
    if run["last"]:
        parts.append(_last(run["last"]))
    return Group(*parts)


def _headline(pool: dict[str, Any]) -> Text:
    device = pool["devices"][0]
    share = f" {device['share']:.0%}" if device["does"] != "idle" else ""
    tasks = ", ".join(dict.fromkeys(pool["tasks"]))
    return Text(
        f"pool {pool['pid']}: {pool['environments']} environments, {tasks} · {pool['state']} at {pool['updated_utc']}\n"
        f"device {device['name']}: {device['does']}{share}\n"
        f"{pool['answered']} of {pool['submitted']} answered, {pool['answers_per_second']:.2f} a second · "
        f"{pool['cached']} from the cache or shared, {pool['cancelled']} cancelled, {pool['expired']} expired, "
        f"{pool['retries']} retries · artifacts {pool['artifacts']} of {pool['artifact_limit']}"
    )


def _stages(pool: dict[str, Any]) -> Table:
    table = Table("stage", "running", "waiting", "done", "busy", "s each")
    for stage in pool["stages"]:
        busy = stage["busy_seconds"] / (max(pool["seconds"], 1e-9) * stage["workers"])
        each = stage["busy_seconds"] / stage["done"] if stage["done"] else None
        table.add_row(
            stage["name"],
            f"{stage['running']}/{stage['workers']}",
            str(stage["waiting"]),
            str(stage["done"]),
            f"{busy:.0%}",
            number(each),
        )
    return table


def _tasks(summary: dict[str, Any]) -> Table:
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(summary.get("verdicts", {}).items()))
    title = f"{summary.get('records', 0)} records: {verdicts}" if verdicts else "no records yet"
    table = Table("task", "records", "correct", "mean reward", "best", "its speedup", title=title, title_justify="left")
    for name, task in sorted(summary.get("tasks", {}).items()):
        rewards = task.get("rewards", 0)
        table.add_row(
            name,
            str(task["records"]),
            str(task.get("correct", 0)),
            number(task["reward_sum"] / rewards if rewards else None),
            number(task.get("best_reward")),
            number(task.get("best_speedup"), "{:.2f}"),
        )
    return table


def _last(records: list[dict[str, Any]]) -> Table:
    table = Table("last", "task", "verdict", "reward", "speedup", "s")
    for record in records:
        verdict = record["verdict"] + (" (cached)" if record["cached"] else "")
        table.add_row(
            record["time_utc"][11:19],
            record["task"],
            verdict,
            number(record["reward"]),
            number(record["speedup"], "{:.2f}"),
            number(record["seconds"], "{:.1f}"),
        )
    return table
