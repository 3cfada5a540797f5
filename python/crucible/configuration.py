"""Where tasks and reward configurations are found, and how they are given in Python."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from crucible import _core
from crucible._core import ConfigError, LoadedReward, RewardSettings, Task


def config_directory() -> str:
    """The package's own configuration; the environment variable CRUCIBLE_CONFIGS overrides it."""
    return os.environ.get("CRUCIBLE_CONFIGS") or str(Path(__file__).absolute().parent / "_configs")


def task_directories(extra: Iterable[str] = (), configuration: str = "") -> list[str]:
    """Folders that are searched for NAME.yaml, first to last."""
    return [*map(str, extra), str(Path(configuration or config_directory()) / "tasks")]


def task_names(extra: Iterable[str] = (), configuration: str = "") -> list[str]:
    """Names of all tasks, sorted."""
    return _core.task_names([d for d in task_directories(extra, configuration) if os.path.isdir(d)])


def find_task(name: str, extra: Iterable[str] = (), configuration: str = "") -> Task:
    """A task by name; ConfigError with did-you-mean when there is none."""
    return _core.find_task(name, task_directories(extra, configuration))


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
        reward = {
            "model": reward.model,
            "numbers": dict(reward.numbers),
            "prices": {verdict.name: price for verdict, price in reward.prices.items()},
        }
    if isinstance(reward, Mapping):
        try:
            text = json.dumps(dict(reward))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"the reward mapping is no JSON data: {error}") from None
        return _core.parse_reward(text, "<reward>", changes)
    return _core.load_reward(os.fspath(reward), configuration or config_directory(), changes)
