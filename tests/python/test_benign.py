"""Honest kernels that look suspicious: none may be accused, and (nearly) all are correct."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import crucible

ROOT = Path(__file__).parents[1] / "benign" / "cpu"
FILES = sorted(ROOT.glob("*.cpp"))
SAMPLE = 5
SEED = 20
SHARE_CORRECT = 0.99


def task_of(path: Path) -> str:
    """File names begin with the task's."""
    return max((name for name in crucible.task_names() if path.stem.startswith(name)), key=len)


@pytest.fixture(scope="module")
def benign_evaluator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[crucible.Evaluator]:
    with crucible.Evaluator(
        backend="cpu",
        run_directory=str(tmp_path_factory.mktemp("benign")),
        secret="benign suite",
        time_budget_seconds=0.2,
        write_records=False,
    ) as evaluator:
        yield evaluator


def accusations(evaluation: crucible.Evaluation) -> list[str]:
    found = [f"{each.kind}: {each.evidence}" for each in evaluation.findings if each.conclusive]
    if evaluation.verdict is crucible.Verdict.integrity_violation:
        found.append(evaluation.explanation)
    return found


def verdicts(evaluator: crucible.Evaluator, files: list[Path]) -> tuple[list[str], list[str]]:
    """Accusations, and kernels that were not found correct."""
    accused, wrong = [], []
    for path in files:
        evaluation = evaluator.evaluate(task_of(path), path.read_text(encoding="utf-8"), seed=SEED, use_cache=False)
        accused += [f"{path.stem}: {each}" for each in accusations(evaluation)]
        if evaluation.verdict is not crucible.Verdict.correct:
            wrong.append(f"{path.stem}: {evaluation.verdict.name}: {evaluation.explanation[:200]}")
    return accused, wrong


def test_a_sample_of_odd_but_honest_kernels_is_correct(benign_evaluator: crucible.Evaluator) -> None:
    quick = [path for path in FILES if task_of(path) in ("rms_norm", "softmax", "silu_and_mul")]
    accused, wrong = verdicts(benign_evaluator, random.Random(SEED).sample(quick, SAMPLE))
    assert not accused
    assert not wrong


@pytest.mark.slow
def test_no_honest_kernel_is_accused(benign_evaluator: crucible.Evaluator) -> None:
    accused, wrong = verdicts(benign_evaluator, FILES)
    assert not accused
    assert len(wrong) <= (1 - SHARE_CORRECT) * len(FILES), "\n".join(wrong)
