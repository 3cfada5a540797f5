"""Fixtures of the tests in which something of ours breaks: a trainer of its own, kernels whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crucible.environment import KernelEnv
from faults.known import SECRET, Known, known_kernels


@pytest.fixture(scope="session")
def kernels() -> dict[str, Known]:
    return known_kernels()


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    """Keyword arguments of an evaluator; answers are never taken from a cache unless a test says so."""
    return {
        "backend": "cpu",
        "run_directory": str(tmp_path / "run"),
        "secret": SECRET,
        "time_budget_seconds": 0.1,
        "cache": False,
    }


@pytest.fixture
def env(options: dict[str, Any]) -> Iterator[KernelEnv]:
    made = KernelEnv("rms_norm", max_turns=1 << 30, **options)
    made.reset(seed=5)
    yield made
    made.close()
