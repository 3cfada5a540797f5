"""How answers of a pool become what `step` and `recv` return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from crucible.vector import StepTuple


@dataclass
class Step:
    """One answer of one environment."""

    env: int
    request: int
    observation: str
    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False
    info: dict[str, Any] = field(default_factory=dict)
    reset: bool = False

    def restart(self, info: dict[str, Any], prompt: str) -> None:
        """The next episode began within this step: its end moves into the infos."""
        self.info = {"final_obs": self.observation, "final_info": self.info, **info}
        self.observation = prompt


class Batch:
    """Answers, in the order of completion."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps

    def as_received(self) -> StepTuple:
        """In the order of completion; infos say whose each is."""
        return _arrays(self.steps, labels=True)

    def as_stepped(self) -> StepTuple:
        """In the order of the environments, as Gymnasium's step gives them."""
        return _arrays(sorted(self.steps, key=lambda step: step.env), labels=False)


def _arrays(steps: list[Step], labels: bool) -> StepTuple:
    infos: dict[str, Any] = {}
    if labels:
        infos["env_id"] = np.array([step.env for step in steps], dtype=np.int64)
        infos["request_id"] = np.array([step.request for step in steps], dtype=np.int64)
        infos["reset"] = np.array([step.reset for step in steps], dtype=np.bool_)
    for key, values in columns([step.info for step in steps]).items():
        infos[key] = values
    return (
        tuple(step.observation for step in steps),
        np.array([step.reward for step in steps], dtype=np.float64),
        np.array([step.terminated for step in steps], dtype=np.bool_),
        np.array([step.truncated for step in steps], dtype=np.bool_),
        infos,
    )


def columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Gymnasium's form of infos: a key holds an array over environments, `_key` says for which of them it was given."""
    made: dict[str, Any] = {}
    for key in dict.fromkeys(key for row in rows for key in row):
        given = np.array([key in row for row in rows], dtype=np.bool_)
        values = [row.get(key) for row in rows]
        made[key] = _column(values)
        made[f"_{key}"] = given
    return made


def _column(values: list[Any]) -> Any:
    first = next((value for value in values if value is not None), None)
    if isinstance(first, dict):
        return columns([value if value is not None else {} for value in values])
    if isinstance(first, bool):
        return np.array([bool(value) for value in values], dtype=np.bool_)
    if isinstance(first, int):
        return np.array([value or 0 for value in values], dtype=np.int64)
    if isinstance(first, float):
        return np.array([0.0 if value is None else value for value in values], dtype=np.float64)
    made = np.full(len(values), None, dtype=object)
    for i, value in enumerate(values):
        made[i] = value
    return made
