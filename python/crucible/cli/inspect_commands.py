"""Commands that run no candidate: tasks, show, config; and doctor, which runs one of ours."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import platform
import shutil
import subprocess
from typing import Any

from rich.table import Table
from rich.text import Text

import crucible
from crucible.cli import console, selectors
from crucible.cli.console import out
from crucible.configuration import reward_names
from crucible.evaluator import Evaluator


def tasks(options: argparse.Namespace) -> int:
    names = crucible.task_names(options.task_dir, options.config)
    if not names:
        raise crucible.ConfigError("no task found in " + (options.config or crucible.config_directory()))
    found = [crucible.find_task(name, options.task_dir, options.config) for name in names]
    if options.json:
        console.print_json(
            [
                {
                    "task": task.name,
                    "id": f"crucible/{task.name}-v0",
                    "title": task.title,
                    "backends": task.backends,
                    "workloads": sum(not w.hidden for w in task.workloads),
                    "hidden_workloads": sum(w.hidden for w in task.workloads),
                    "cases": len(task.cases),
                    "file": task.file,
                }
                for task in found
            ]
        )
        return 0
    table = Table("task", "backends", "workloads", "cases", "what it computes", box=None, pad_edge=False)
    for task in found:
        public = sum(not w.hidden for w in task.workloads)
        table.add_row(task.name, ", ".join(task.backends), str(public), str(len(task.cases)), task.title)
    out.print(table)
    return 0


def show(options: argparse.Namespace) -> int:
    task = crucible.find_task(options.task, options.task_dir, options.config)
    if options.backend not in task.backends:
        raise crucible.ConfigError(f"{task.name} has no {options.backend} backend; it has: {', '.join(task.backends)}")
    if not options.json:
        out.print(task.prompt(options.backend, "this machine"), markup=False)
        return 0
    console.print_json(
        {
            "task": task.name,
            "title": task.title,
            "description": task.description,
            "entry_point": task.entry_point,
            "rules": task.rules,
            "backends": task.backends,
            "workloads": [
                {
                    "name": w.name,
                    "dtype": w.dtype,
                    "axes": dict(w.axes),
                    "options": w.options,
                    "count": w.count,
                    "timed": w.timed,
                }
                for w in task.workloads
                if not w.hidden
            ],
            "hidden_workloads": sum(w.hidden for w in task.workloads),
            "seed_kernel": task.seed_kernel,
            "prompt": task.prompt(options.backend, "this machine"),
            "file": task.file,
        }
    )
    return 0


def config(options: argparse.Namespace) -> int:
    if options.action == "models":
        return _models(options)
    loaded = crucible.load_reward(options.reward, selectors.overrides(options.overrides), options.config)
    crucible.RewardModel(loaded.settings)
    if options.json:
        console.print_json(
            {
                "model": loaded.settings.model,
                "values": [{"key": o.key, "value": o.value, "origin": o.origin} for o in loaded.origins],
            }
        )
        return 0
    table = Table("key", "value", "from", box=None, pad_edge=False)
    for origin in loaded.origins:
        table.add_row(origin.key, origin.value, origin.origin)
    out.print(table)
    return 0


def _models(options: argparse.Namespace) -> int:
    names = crucible.reward_model_names()
    if options.json:
        console.print_json(
            {
                "configurations": reward_names(options.config),
                "models": {
                    name: [
                        {
                            "name": p.name,
                            "default": p.value,
                            "minimum": p.minimum,
                            "maximum": p.maximum,
                            "about": p.about,
                        }
                        for p in crucible.reward_parameters(name)
                    ]
                    for name in names
                },
            }
        )
        return 0
    out.print("configurations: " + ", ".join(reward_names(options.config)) + "\n", markup=False)
    table = Table("model", "number", "default", "range", "what it is", box=None, pad_edge=False)
    for name in names:
        for row, parameter in enumerate(crucible.reward_parameters(name)):
            table.add_row(
                name if row == 0 else "",
                parameter.name,
                f"{parameter.value:g}",
                f"{parameter.minimum:g} … {parameter.maximum:g}",
                parameter.about,
            )
    out.print(table)
    return 0


def doctor(options: argparse.Namespace) -> int:
    report: dict[str, Any] = {
        "machine": {"system": platform.platform(), "cores": len(os.sched_getaffinity(0)), "user": os.geteuid()},
        "package": {"crucible": crucible.__version__, "python": platform.python_version(), **_python_packages()},
        "compilers": _compilers(),
    }
    with Evaluator(**evaluator_arguments(options)) as evaluator:
        report["diagnosis"] = json.loads(evaluator.diagnose())
        healthy = True
        if not options.no_self_test:
            with console.progress("self-test", not options.no_progress and not options.json) as progress:
                report["self_test"] = _self_test(evaluator, progress)
            healthy = report["self_test"]["passed"]
        healthy = healthy and not report["diagnosis"].get("problems")
    if options.json:
        console.print_json(report)
    else:
        _print_doctor(report)
    return 0 if healthy else 1


def evaluator_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Keyword arguments of Evaluator from the command line's."""
    return {
        "backend": options.backend,
        "device": options.device,
        "run_directory": options.run,
        "config": options.config,
        "task_directories": tuple(options.task_dir),
        "isolation_demand": options.isolation,
    }


def _self_test(evaluator: Evaluator, progress: Any) -> dict[str, Any]:
    """The first task's own seed kernel must be correct, and a text that is no kernel must not be."""
    name = "rms_norm" if "rms_norm" in evaluator.task_names() else evaluator.task_names()[0]
    task = evaluator.task(name)
    good = evaluator.evaluate(task, task.seed_kernel, use_cache=False, progress=progress)
    bad = evaluator.evaluate(task, "int not_a_kernel", use_cache=False)
    passed = good.verdict is crucible.Verdict.correct and bad.verdict is crucible.Verdict.compile_error
    return {
        "passed": passed,
        "task": name,
        "seed_kernel": good.verdict.name,
        "no_kernel": bad.verdict.name,
        "speedup": good.speedup.estimate if good.speedup else math.nan,
        "stage_seconds": dict(good.stage_seconds),
        "explanation": "" if passed else good.explanation or bad.explanation,
    }


def _python_packages() -> dict[str, str]:
    found = {}
    for name in ("gymnasium", "numpy", "matplotlib", "rich"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def _compilers() -> dict[str, str]:
    found = {}
    for name in ("g++", "nvcc"):
        path = shutil.which(name)
        if path is None:
            found[name] = "missing"
            continue
        version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
        lines = [line for line in version.splitlines() if line.strip()]
        found[name] = next((line for line in lines if "release" in line), lines[0] if lines else "does not run")
    return found


def _print_doctor(report: dict[str, Any]) -> None:
    for title in ("machine", "package", "compilers"):
        out.print(f"[bold]{title}[/bold]")
        for key, value in report[title].items():
            out.print(f"  {key}: {value}", markup=False)
    diagnosis = dict(report["diagnosis"])
    isolation = diagnosis.pop("isolation", None) or {"level": "none", "walls": []}
    out.print(f"[bold]isolation[/bold]: level {isolation['level']}")
    for wall in isolation["walls"]:
        mark = "[green]stands[/green] " if wall["stands"] else "[yellow]missing[/yellow]"
        out.print(
            f"  {mark} {wall['name']}: protects {wall['protects']}" if wall["protects"] else f"  {mark} {wall['name']}"
        )
    problems = diagnosis.pop("problems", [])
    for key, value in diagnosis.items():
        if isinstance(value, list):
            shown = ", ".join(str(item.get("name", item) if isinstance(item, dict) else item) for item in value)
        elif isinstance(value, dict):
            shown = str(value.get("version", json.dumps(value)))
        else:
            shown = str(value)
        out.print(f"[bold]{key}[/bold]: ", Text(shown or "none"))
    for problem in problems:
        out.print("[red]problem[/red]: ", Text(str(problem)))
    test = report.get("self_test")
    if test is not None:
        mark = "[green]passed[/green]" if test["passed"] else "[red]failed[/red]"
        out.print(f"[bold]self-test[/bold] ({test['task']}): {mark}")
        if not test["passed"]:
            out.print(f"  {test['explanation']}", markup=False)
