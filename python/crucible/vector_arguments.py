"""What a KernelVectorEnv is given, looked at before anything is done with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from crucible._core import ConfigError

SEEDS = 1 << 63


def check_sizes(num_envs: int, batch_size: int | None) -> None:
    for name, value in (("num_envs", num_envs), ("batch_size", batch_size)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise ConfigError(f"{name} must be a whole number of at least 1, not {value!r}")
    if batch_size is not None and batch_size > num_envs:
        raise ConfigError(f"batch_size {batch_size} is more than num_envs {num_envs}")


def mode_of(given: AutoresetMode | str) -> AutoresetMode:
    for mode in AutoresetMode:
        if given is mode or str(given) in (mode.value, mode.name):
            break
    else:
        raise ConfigError(f"autoreset_mode {given!r} is unknown; known: 'SameStep', 'Disabled'")
    if mode is AutoresetMode.NEXT_STEP:
        raise ConfigError("autoreset_mode NextStep would cost a step without a kernel; use 'SameStep' or 'Disabled'")
    return mode


def mask_of(given: Any, num_envs: int) -> NDArray[np.bool_]:
    """Which environments to reset; all when nothing is given."""
    if given is None:
        return np.ones(num_envs, dtype=np.bool_)
    if not isinstance(given, np.ndarray) or given.dtype != np.bool_ or given.shape != (num_envs,):
        raise ConfigError(f"reset_mask must be an array of {num_envs} truth values (dtype bool)")
    if not given.any():
        raise ConfigError("reset_mask selects no environment")
    return given


def env_ids_of(given: Iterable[int] | None, num_envs: int) -> list[int]:
    """Environments by number; all when nothing is given."""
    if given is None:
        return list(range(num_envs))
    ids = [int(i) for i in given]
    for i in ids:
        if not 0 <= i < num_envs:
            raise IndexError(f"environment {i} is unknown: this pool has 0 to {num_envs - 1}")
    return ids


def seeds_of(given: int | Sequence[int | None] | None, num_envs: int) -> list[int | None]:
    """A seed for each environment; one number means that, and one more for each that follows."""
    seeds: list[int | None]
    if given is None:
        return [None] * num_envs
    seeds = [int(given) + i for i in range(num_envs)] if isinstance(given, (int, np.integer)) else list(given)
    if len(seeds) != num_envs:
        raise ValueError(f"{len(seeds)} seeds for {num_envs} environments: give one for each")
    for each in seeds:
        if each is not None and not 0 <= int(each) < SEEDS:
            raise ConfigError(f"a seed lies in [0, 2**63), not {each}")
    return seeds
