"""Gymnasium ids: crucible/<task>-v0 for every task of the package."""

from __future__ import annotations

from pathlib import Path

import gymnasium

from crucible.configuration import config_directory

_NAMESPACE = "crucible"


def environment_ids() -> list[str]:
    """Ids of all tasks that come with the package (or lie in CRUCIBLE_CONFIGS)."""
    return [f"{_NAMESPACE}/{p.stem}-v0" for p in sorted((Path(config_directory()) / "tasks").glob("*.yaml"))]


def register_all() -> None:
    """Registers every id that is not registered yet. Importing `crucible` has done this."""
    for name in environment_ids():
        if name not in gymnasium.registry:
            gymnasium.register(
                id=name,
                entry_point="crucible.environment:KernelEnv",
                vector_entry_point="crucible.vector:KernelVectorEnv",
                nondeterministic=True,  # time is measured
                kwargs={"task": name.removeprefix(f"{_NAMESPACE}/").removesuffix("-v0")},
            )
