"""Fixtures: one evaluator for the whole session (its pools are made once), and kernels of all kinds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import crucible
from crucible.environment import KernelEnv

#: Timing is not what most tests are about.
SHORT_BUDGET = 0.4
SECRET = "tests only"


@pytest.fixture(scope="session")
def run_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="session")
def evaluator(run_directory: Path) -> Iterator[crucible.Evaluator]:
    with crucible.Evaluator(
        backend="cpu", run_directory=str(run_directory), secret=SECRET, time_budget_seconds=SHORT_BUDGET
    ) as made:
        yield made


@pytest.fixture
def env(evaluator: crucible.Evaluator) -> Iterator[KernelEnv]:
    made = KernelEnv("rms_norm", evaluator=evaluator, max_turns=1000)
    made.reset(seed=7)
    yield made
    made.close()


@pytest.fixture(scope="session")
def seed_kernel() -> str:
    return crucible.find_task("rms_norm").seed_kernel


ENTRY = "int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, void*)"


def kernel(body: str, includes: str = "") -> str:
    """An rms_norm whose entry point does only `body`."""
    return f'#include <crucible/kernel.h>\n{includes}\nextern "C" {ENTRY} {{\n{body}\n}}\n'


@pytest.fixture(scope="session")
def quick_options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Keyword arguments (JSON data) of an environment in another process."""
    return {
        "backend": "cpu",
        "run_directory": os.fspath(tmp_path_factory.mktemp("quick")),
        "secret": SECRET,
        "time_budget_seconds": SHORT_BUDGET,
    }
