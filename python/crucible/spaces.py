"""Spaces of texts: the action is a kernel's source, the observation what a model is told."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Space


class TextSpace(Space[str]):
    """All strings of at most `max_length` characters.

    gymnasium's own Text space enumerates a character set, which makes batching take minutes for any real one, so
    membership here is a matter of type and length only.
    """

    def __init__(self, max_length: int, seed: int | np.random.Generator | None = None) -> None:
        if max_length < 1:
            raise ValueError(f"max_length must be at least 1, not {max_length}")
        self.max_length = int(max_length)
        super().__init__(shape=None, dtype=None, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        return False

    def sample(self, mask: None = None, probability: None = None) -> str:
        self._refuse(mask, probability)
        return f"text {int(self.np_random.integers(1 << 30))}"

    def contains(self, x: Any) -> bool:
        return isinstance(x, str) and len(x) <= self.max_length

    def _refuse(self, mask: Any, probability: Any) -> None:
        if mask is not None or probability is not None:
            raise ValueError(f"{type(self).__name__}.sample takes neither mask nor probability")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.max_length})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and getattr(other, "max_length", None) == self.max_length

    __hash__ = None  # type: ignore[assignment]


class SourceSpace(TextSpace):
    """Source texts of kernels for one task; a sample is the task's correct, slow seed kernel."""

    def __init__(
        self, seed_kernel: str, max_length: int = 1 << 20, seed: int | np.random.Generator | None = None
    ) -> None:
        super().__init__(max_length, seed)
        self.seed_kernel = seed_kernel

    def sample(self, mask: None = None, probability: None = None) -> str:
        self._refuse(mask, probability)
        return f"{self.seed_kernel}\n// sample {int(self.np_random.integers(1 << 30))}\n"

    def contains(self, x: Any) -> bool:
        # Too long a text is a bad kernel, not a bad action: it has a verdict (malformed) like any other.
        return isinstance(x, str)
