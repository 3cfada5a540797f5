"""Arguments of the `crucible` command and how its errors end."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import crucible
from crucible.cli import (
    archive_commands,
    harden_command,
    inspect_commands,
    record_commands,
    run_commands,
    task_command,
    top_command,
)

EXIT_USAGE = 2  # bad arguments or configuration; a selector that matches nothing
EXIT_FAILED = 1  # could not do it: our failure, the machine's, or a check that says no
EXIT_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """argparse with did-you-mean on the command's name."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"crucible: {message}\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = list(action.choices or [])
        if choices and value not in choices:
            close = difflib.get_close_matches(str(value), [str(c) for c in choices], n=1)
            hint = f"did you mean '{close[0]}'?" if close else "known: " + ", ".join(map(str, choices))
            raise argparse.ArgumentError(action, f"'{value}' is unknown; {hint}")


def _evaluator_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--backend", default="auto", choices=["auto", "cpu", "cuda"], help="default: auto")
    parser.add_argument("--device", default="", metavar="D", help="cpu, cuda:0, …; default: the backend's first")
    parser.add_argument("--run", default="", metavar="DIR", help="run directory; default: a fresh folder under runs/")
    parser.add_argument("--config", default="", metavar="DIR", help="configuration folder instead of the package's")
    parser.add_argument(
        "--task-dir", action="append", default=[], metavar="DIR", help="more task files; may be repeated"
    )
    parser.add_argument(
        "--isolation", default="", choices=["", "container", "user", "full"], help="refuse to run below this level"
    )


def _reward_options(parser: argparse.ArgumentParser, default: str | None = "default") -> None:
    parser.add_argument("--reward", default=default, metavar="NAME|FILE", help="reward configuration")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="change one value of it; may be repeated",
    )


def _archive_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--archive", default="", metavar="PATH", help="this archive instead of the known set")
    parser.add_argument("--backend", default="cpu", choices=["cpu", "cuda"], help="default: cpu; cuda needs no GPU")
    parser.add_argument("--config", default="", metavar="DIR", help="configuration folder instead of the package's")
    parser.add_argument("--task-dir", action="append", default=[], metavar="DIR", help="more task files")


def _add_archive(archive: argparse.ArgumentParser) -> None:
    actions = archive.add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=_Parser)

    def action(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=about, description=about)
        made.set_defaults(handler=run)
        made.add_argument("--json", action="store_true", help="print JSON")
        _archive_options(made)
        return made

    add = action("add", archive_commands.archive_add, "add a kernel")
    add.add_argument("task")
    add.add_argument("file", help="source file; - for standard input")
    add.add_argument("--name", default="", metavar="N", help="default: the file's")
    listed = action("list", archive_commands.archive_list, "list the kernels")
    listed.add_argument("task", nargs="?", default="")
    show = action("show", archive_commands.archive_show, "print a kernel's source")
    show.add_argument("task")
    show.add_argument("name")
    action("advance", archive_commands.archive_advance, "make everything that has arrived known: a new snapshot")
    diff = action("diff", archive_commands.archive_diff, "kernels that one snapshot has and another has not")
    diff.add_argument("from_epoch", type=int, metavar="EPOCH")
    diff.add_argument("to_epoch", type=int, metavar="EPOCH")
    exported = action("export", archive_commands.archive_export, "write everything as one JSON document")
    exported.add_argument("file", nargs="?", default="-")
    imported = action("import", archive_commands.archive_import, "add what a JSON document holds")
    imported.add_argument("file")


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="crucible", description="Judge compute kernels: true, fast and new.")
    parser.add_argument("--version", action="version", version=f"crucible {crucible.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)

    def command(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(handler=run)
        made.add_argument("--json", action="store_true", help="print JSON")
        return made

    tasks = command("tasks", inspect_commands.tasks, "list the tasks")
    tasks.add_argument("--config", default="", metavar="DIR")
    tasks.add_argument("--task-dir", action="append", default=[], metavar="DIR")

    show = command("show", inspect_commands.show, "show a task as a model is told it")
    show.add_argument("task")
    show.add_argument("--backend", default="cpu", choices=["cpu", "cuda"])
    show.add_argument("--config", default="", metavar="DIR")
    show.add_argument("--task-dir", action="append", default=[], metavar="DIR")

    evaluate = command("evaluate", run_commands.evaluate, "evaluate one kernel")
    evaluate.add_argument("task")
    evaluate.add_argument("file", help="source file; - for standard input")
    evaluate.add_argument("--seed", type=int, default=0, metavar="N")
    evaluate.add_argument("--no-cache", action="store_true", help="measure again what was measured before")
    evaluate.add_argument("--no-progress", action="store_true")
    _evaluator_options(evaluate)
    _reward_options(evaluate)

    explain = command("explain", record_commands.explain, "say why a record got its reward, term by term")
    explain.add_argument("record", help="records.jsonl[:N|:ID] or a run directory; default: its last record")

    top = command("top", top_command.top, "follow a run: stages, queues, devices, rates, verdicts")
    top.add_argument("run", metavar="RUN", help="run directory")
    top.add_argument("--once", action="store_true", help="print it once")
    top.add_argument("--interval", type=float, default=1.0, metavar="S", help="seconds between looks; default: 1")

    rescore = command("rescore", record_commands.rescore, "rewards from records, without running a kernel")
    rescore.add_argument("records", help="records.jsonl or a run directory")
    rescore.add_argument("--task", default="", help="only records of this task")
    _reward_options(rescore, default=None)

    replay = command("replay", record_commands.replay, "evaluate a record's kernel again and compare")
    replay.add_argument("record", help="records.jsonl[:N|:ID] or a run directory")
    replay.add_argument("--no-progress", action="store_true")
    _evaluator_options(replay)

    config = command("config", inspect_commands.config, "show a reward configuration and where each value came from")
    config.add_argument("action", choices=["show", "models"])
    config.add_argument("--config", default="", metavar="DIR")
    _reward_options(config)

    warm = command("warm", run_commands.warm, "make pools and calibrate baselines ahead")
    warm.add_argument("tasks", nargs="+", metavar="TASK", help="tasks, or 'all'")
    warm.add_argument("--no-progress", action="store_true")
    _evaluator_options(warm)

    task = command("task", task_command.task, "check that a task can tell right from wrong")
    task.add_argument("action", choices=["check"])
    task.add_argument("tasks", nargs="+", metavar="TASK", help="names, or paths of task files")
    task.add_argument(
        "--thorough", action="store_true", help="every baseline on 20 seeds, 5 of them timed, instead of 3 and 1"
    )
    task.add_argument("--no-progress", action="store_true")
    _evaluator_options(task)

    novelty = command("novelty", archive_commands.novelty, "how new a source is, and what it resembles")
    novelty.add_argument("task")
    novelty.add_argument("file", help="source file; - for standard input")
    _archive_options(novelty)
    _add_archive(command("archive", None, "kernels that count as known"))

    doctor = command("doctor", inspect_commands.doctor, "what this machine offers and what is missing")
    doctor.add_argument("--no-self-test", action="store_true", help="do not evaluate a kernel")
    doctor.add_argument("--no-progress", action="store_true")
    _evaluator_options(doctor)

    harden = command(
        "harden", harden_command.harden, "attack the environment with composed cheats and see what they are paid"
    )
    harden.add_argument("task")
    harden.add_argument("--attacks", type=int, default=100, metavar="N")
    harden.add_argument("--seed", type=int, default=0, metavar="N")
    harden.add_argument("--budget", type=float, default=0.5, metavar="S", help="seconds for timing each program")
    _evaluator_options(harden)

    demo = command("demo", run_commands.demo, "judge an assortment of kernels and let a small policy learn")
    demo.add_argument("--kernels", default="", metavar="DIR", help="folder with <task>/{slow,fast,…}.cpp")
    demo.add_argument("--tasks", default="rms_norm,silu_and_mul,softmax", metavar="A,B", help="tasks of the table")
    demo.add_argument("--steps", type=int, default=60, metavar="N", help="kernels the policy may try")
    demo.add_argument("--seed", type=int, default=0, metavar="N")
    demo.add_argument("--no-progress", action="store_true")
    _evaluator_options(demo)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    options = _make_parser().parse_args(arguments)
    try:
        return int(options.handler(options))
    except crucible.ConfigError as error:
        print(f"crucible: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("crucible: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # `crucible tasks | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, RuntimeError) as error:
        print(f"crucible: {error}", file=sys.stderr)
        return EXIT_FAILED
