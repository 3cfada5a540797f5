"""The table of the demo: kernels of all kinds, judged."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import crucible
from crucible.configuration import config_directory

#: Order in the table; each is a file NAME.cpp in the task's folder.
KINDS = ("slow", "fast", "copy", "wrong", "no_compile", "cheat")


@dataclass(frozen=True)
class Kernel:
    task: str
    kind: str
    path: Path

    @property
    def source(self) -> bytes:
        return self.path.read_bytes()


def kernels_directory(given: str) -> Path:
    """The folder of kernels: the one given, the package's, or the source tree's."""
    candidates = (
        [Path(given)]
        if given
        else [
            Path(__file__).absolute().parents[1] / "_kernels",
            Path(os.path.realpath(config_directory())).parent / "examples" / "kernels",
            Path("examples/kernels").absolute(),
        ]
    )
    for path in candidates:
        if path.is_dir():
            return path
    raise crucible.ConfigError(f"no kernels in {candidates[0]}; name a folder with --kernels")


def find_kernels(directory: Path, tasks: list[str]) -> list[Kernel]:
    """The kernels of every task, known kinds first; a task without any is an error."""
    found = []
    for task in tasks:
        crucible.find_task(task)
        files = {path.stem: path for path in sorted((directory / task).glob("*.cpp"))}
        if not files:
            raise crucible.ConfigError(f"{directory / task}: no kernels (NAME.cpp) there")
        for kind in [k for k in KINDS if k in files] + [k for k in files if k not in KINDS]:
            found.append(Kernel(task, kind, files[kind]))
    return found
