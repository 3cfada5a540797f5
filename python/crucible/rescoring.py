"""Rewards from records: no kernel runs, the same facts give the same bits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from crucible._core import Record, Reward, RewardModel, RewardSettings, read_records
from crucible.configuration import load_reward


def rescore(
    records: str | os.PathLike[str] | Iterable[Record],
    reward: str | os.PathLike[str] | Mapping[str, Any] | RewardSettings | None = None,
    overrides: Mapping[str, Any] | Iterable[tuple[str, str]] = (),
) -> Iterator[tuple[Record, Reward]]:
    """Each record with the reward that `reward` (a name, path, mapping or settings) would have paid.

    With None, each record's own settings are used: the result is bit for bit what was paid.
    """
    if isinstance(records, (str, os.PathLike)):
        records = read_records(os.fspath(records)).records
    fixed = None if reward is None else RewardModel(load_reward(reward, overrides).settings)
    for record in records:
        model = fixed or RewardModel(record.settings)
        yield record, model.score(record.evaluation)
