"""Where tasks and reward configurations are found, and how they are given in Python."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from crucible import _core
from crucible._core import ConfigError, LoadedReward, RewardSettings, Task


def config_directory() -> str:
    """The package's own configuration; the environment variable CRUCIBLE_CONFIGS overrides it."""
    return os.environ.get("CRUCIBLE_CONFIGS") or str(Path(__file__).absolute().parent / "_configs")


def task_directories(extra: Iterable[str] = (), configuration: str = "", backend: str = "") -> list[str]:
    """Folders that are searched for NAME.yaml, first to last; those of `backend` alone before those of all."""
    shared = Path(configuration or config_directory()) / "tasks"
    return [
        *map(str, extra),
        *([str(shared / backend)] if (shared / backend).is_dir() and backend else []),
        str(shared),
    ]


def task_names(extra: Iterable[str] = (), configuration: str = "") -> list[str]:
    """Names of all tasks, sorted."""
    return _core.task_names([d for d in task_directories(extra, configuration) if os.path.isdir(d)])


def find_task(name: str, extra: Iterable[str] = (), configuration: str = "", backend: str = "") -> Task:
    """A task by name as `backend` runs it (empty: its first); ConfigError with did-you-mean when there is none."""
    return _core.find_task(name, task_directories(extra, configuration, backend), backend)


def reward_names(configuration: str = "") -> list[str]:
    """Names of the reward configurations that come with the package."""
    return sorted(p.stem for p in (Path(configuration or config_directory()) / "rewards").glob("*.yaml"))


def override_text(value: Any) -> str:
    """A Python value as the command line would spell it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None or isinstance(value, (int, float)):
        return json.dumps(value)
    raise ConfigError(f"an override must be a number, a truth value or a string, not {type(value).__name__}")


def load_reward(
    reward: str | os.PathLike[str] | Mapping[str, Any] | RewardSettings = "default",
    overrides: Mapping[str, Any] | Iterable[tuple[str, str]] = (),
    configuration: str = "",
) -> LoadedReward:
    """A reward configuration from a name, a path, or a mapping as the YAML file would hold it.

    `overrides` maps dotted keys to values; they win over the file.
    """
    pairs = overrides.items() if isinstance(overrides, Mapping) else overrides
    changes = [(key, override_text(value)) for key, value in pairs]
    if isinstance(reward, RewardSettings):
        reward = _mapping(reward)
    if isinstance(reward, Mapping):
        try:
            text = json.dumps(dict(reward))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"the reward mapping is no JSON data: {error}") from None
        return _core.parse_reward(text, "<reward>", changes)
    return _core.load_reward(os.fspath(reward), configuration or config_directory(), changes)


def _mapping(settings: RewardSettings) -> dict[str, Any]:
    """Settings as their YAML file would hold them: dotted names become nested mappings."""
    made: dict[str, Any] = {
        "model": settings.model,
        "prices": {v.name: price if math.isfinite(price) else None for v, price in settings.prices.items()},
    }
    made["prices"].setdefault("infrastructure_error", None)  # never scored
    for name, value in settings.numbers.items():
        *outer, last = name.split(".")
        place = made
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = bool(value) if last == "enabled" else value
    return made
