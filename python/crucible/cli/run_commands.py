"""Commands that run kernels: evaluate, warm, demo."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import crucible
from crucible.cli import console, selectors
from crucible.cli.console import err, out
from crucible.cli.inspect_commands import evaluator_arguments
from crucible.cli.record_view import print_record
from crucible.environment import KernelEnv
from crucible.evaluator import Evaluator


def evaluate(options: argparse.Namespace) -> int:
    source = read_source(options.file)
    env = KernelEnv(
        options.task,
        **evaluator_arguments(options),
        reward=options.reward,
        reward_overrides=dict(selectors.overrides(options.overrides)),
        cache=not options.no_cache,
    )
    try:
        with console.progress(env.task.name, not options.no_progress and not options.json) as progress:
            env.progress = progress
            env.reset(seed=options.seed)
            env.step(source)
        record = env.last_record
        assert record is not None
        run_directory = env.evaluator.run_directory
    finally:
        env.close()
    if options.json:
        console.print_json(record_object(record, run_directory))
    else:
        print_record(record)
        out.print(f"record {record.id} in {run_directory}/records.jsonl", markup=False)
    return 0


def record_object(record: crucible.Record, run_directory: str) -> dict[str, Any]:
    """The contract of `evaluate --json`, and where the record is."""
    made: dict[str, Any] = json.loads(record.evaluation_json())
    return {**made, "record_id": record.id, "run_directory": run_directory}


def read_source(name: str) -> bytes:
    """The file's bytes as they are; - is standard input."""
    if name == "-":
        return sys.stdin.buffer.read()
    path = Path(name)
    if not path.is_file():
        raise crucible.ConfigError(f"{name}: no such file")
    return path.read_bytes()


def warm(options: argparse.Namespace) -> int:
    known = crucible.task_names(options.task_dir, options.config)
    names = known if options.tasks == ["all"] else options.tasks
    for name in names:
        crucible.find_task(name, options.task_dir, options.config)  # did-you-mean before any work
    done = {}
    with Evaluator(**evaluator_arguments(options)) as evaluator:
        for name in names:
            with console.progress(f"warm {name}", not options.no_progress and not options.json) as progress:
                done[name] = evaluator.warm(name, progress)
            if not options.json:
                out.print(f"[bold]{name}[/bold]")
                for line in done[name]:
                    out.print(f"  {line}", markup=False)
        where = evaluator.run_directory
    if options.json:
        console.print_json({"run_directory": where, "tasks": done})
    else:
        out.print(f"kept in {where}", markup=False)
    return 0


def demo(options: argparse.Namespace) -> int:
    from crucible.demo import run_demo

    if options.json:
        err.print("crucible: demo prints a table; the records it leaves are JSON", markup=False)
    return run_demo(
        kernels=options.kernels,
        tasks=[name for name in options.tasks.split(",") if name],
        steps=options.steps,
        seed=options.seed,
        show_progress=not options.no_progress,
        evaluator_options=evaluator_arguments(options),
    )
