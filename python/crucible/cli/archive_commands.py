"""Commands about what is known: novelty, archive."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import crucible
from crucible import _core
from crucible.cli import console
from crucible.cli.console import out
from crucible.cli.run_commands import read_source
from crucible.configuration import config_directory, load_reward


def _desk(options: argparse.Namespace) -> _core.NoveltyDesk:
    return _core.NoveltyDesk(options.backend, options.config or config_directory(), _core.libexec_directory())


def _task_name(options: argparse.Namespace) -> str:
    # did-you-mean on a wrong name
    return crucible.find_task(options.task, options.task_dir, options.config, options.backend).name


def novelty(options: argparse.Namespace) -> int:
    """How new a source is before the speed gate, what it resembles, and what that is worth."""
    facts = _desk(options).assess(_task_name(options), read_source(options.file), options.archive)
    handicap = load_reward("default", {}, options.config or "").settings.numbers["novelty.handicap"]
    if options.json:
        console.print_json(novelty_object(facts, handicap))
        return 0
    out.print(facts.sentence or facts.failure, markup=False)
    score = "unmeasured" if facts.score is None else f"{facts.score:.2f}"
    out.print(f"novelty before the speed gate: {score}", markup=False)
    out.print(f"worth: {_worth(facts, handicap)}", markup=False)
    for neighbour in facts.nearest:
        views = ", ".join(f"{name} {value:.2f}" for name, value in neighbour.views)
        out.print(f"  {neighbour.name}: {neighbour.similarity:.2f} ({views})", markup=False)
        for title, techniques in (("shared", neighbour.shared_techniques), ("new", _alone(facts, neighbour))):
            if techniques:
                out.print(f"    {title}: {', '.join(techniques)}", markup=False)
    if facts.techniques and not facts.nearest:
        out.print(f"techniques: {', '.join(facts.techniques)}", markup=False)
    return 0


def _alone(facts: _core.NoveltyFacts, neighbour: _core.Neighbour) -> list[str]:
    """Techniques of the candidate that one known kernel does not show."""
    return [technique for technique in facts.techniques if technique not in neighbour.shared_techniques]


def _worth(facts: _core.NoveltyFacts, handicap: float) -> str:
    """What the default reward makes of it."""
    if not facts.score:
        return "nothing" if facts.score == 0 else f"nothing: {facts.failure}"
    gate = "" if facts.best_known is None else f" and at least 0.9 times the best known, {facts.best_known:.2f}x"
    return (
        f"counted as {handicap**facts.score:.3f} times its speedup under the default reward, "
        f"if it is correct and as fast as the best production library{gate}"
    )


def novelty_object(facts: _core.NoveltyFacts, handicap: float) -> dict[str, Any]:
    """The contract of `novelty --json`."""
    return {
        "score": facts.score,
        "similarity": facts.similarity,
        "nearest": [
            {
                "name": neighbour.name,
                "similarity": neighbour.similarity,
                "views": dict(neighbour.views),
                "shared_techniques": list(neighbour.shared_techniques),
                "new_techniques": _alone(facts, neighbour),
            }
            for neighbour in facts.nearest
        ],
        "techniques": list(facts.techniques),
        "sentence": facts.sentence,
        "worth": {"speed_factor": handicap ** (facts.score or 0.0), "in_words": _worth(facts, handicap)},
        "snapshot": facts.snapshot,
        "failure": facts.failure or None,
    }


def archive_add(options: argparse.Namespace) -> int:
    task = _task_name(options)
    name = options.name or ("" if options.file == "-" else Path(options.file).stem)
    added = _desk(options).add(task, read_source(options.file), name, options.archive)
    path = options.archive or _core.user_archive_path()
    if options.json:
        console.print_json({"task": task, "name": added, "archive": path})
    else:
        out.print(f"added {task}/{added} to {path}", markup=False)
    return 0


def _open(options: argparse.Namespace) -> _core.Archive:
    path = options.archive or _core.user_archive_path()
    if not Path(path).is_file():
        raise crucible.ConfigError(f"{path}: no such archive; `crucible archive add` makes one")
    try:
        return _core.Archive(path)
    except RuntimeError as error:
        raise crucible.ConfigError(str(error)) from error


def archive_list(options: argparse.Namespace) -> int:
    kernels = _open(options).kernels(options.task or "")
    rows = [_kernel_object(kernel) for kernel in kernels]
    if options.task and not rows:
        raise crucible.ConfigError(f"the archive holds no kernel of task '{options.task}'")
    if options.json:
        console.print_json(rows)
    else:
        for row in rows:
            out.print(f"{row['task']}/{row['name']}  {row['backend']}  {row['origin']}  {row['added']}", markup=False)
    return 0


def _kernel_object(kernel: _core.ArchivedKernel) -> dict[str, Any]:
    return {
        "task": kernel.task,
        "name": kernel.name,
        "origin": kernel.origin,
        "backend": kernel.backend,
        "device": kernel.device or None,
        "speedup": kernel.speedup,
        "added": kernel.added,
    }


def archive_show(options: argparse.Namespace) -> int:
    archive = _open(options)
    kernel = archive.find(options.task, options.name)
    if kernel is None:
        known = ", ".join(k.name for k in archive.kernels(options.task)) or "none"
        raise crucible.ConfigError(f"no kernel '{options.name}' of task '{options.task}'; known: {known}")
    source = kernel.source.decode("utf-8", "replace")
    if options.json:
        console.print_json({**_kernel_object(kernel), "source": source})
    else:
        print(source, end="")
    return 0


def archive_advance(options: argparse.Namespace) -> int:
    snapshot = _open(options).advance()
    made = {"epoch": snapshot.epoch, "hash": snapshot.hash, "advanced": snapshot.advanced, "kernels": snapshot.kernels}
    if options.json:
        console.print_json(made)
    else:
        out.print(f"epoch {snapshot.epoch}: {snapshot.kernels} kernels known, {snapshot.hash}", markup=False)
    return 0


def archive_diff(options: argparse.Namespace) -> int:
    added, removed = _open(options).difference(options.from_epoch, options.to_epoch)
    if options.json:
        console.print_json({"added": added, "removed": removed})
    else:
        for name in added:
            out.print(f"+ {name}", markup=False)
        for name in removed:
            out.print(f"- {name}", markup=False)
    return 0


def archive_export(options: argparse.Namespace) -> int:
    document = _open(options).export_json()
    if options.file == "-":
        print(document)
    else:
        Path(options.file).write_text(document, encoding="utf-8")
    return 0


def archive_import(options: argparse.Namespace) -> int:
    path = options.archive or _core.user_archive_path()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    try:
        count = _core.Archive(path).import_json(read_source(options.file).decode("utf-8"))
    except (RuntimeError, UnicodeDecodeError) as error:
        raise crucible.ConfigError(f"{options.file}: {error}") from error
    if options.json:
        console.print_json({"added": count, "archive": path})
    else:
        out.print(f"{count} kernels added to {path}", markup=False)
    return 0
