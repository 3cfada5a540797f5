"""Wrong kernels are refused, honest ones are not: a sample here, the whole campaign in `make soak`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "build/main/tests/mutation/mutation_judge"
CAMPAIGN = ROOT / "tests/mutation/campaign.py"

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason="the tests' own judge is not built (build/main)")


def campaign(*arguments: str) -> str:
    """Runs it to its end; its report. It fails when a wrong kernel passes or an honest one does not."""
    done = subprocess.run(
        [sys.executable, str(CAMPAIGN), "--tool", str(TOOL), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow  # not in continuous integration before its time there is known
def test_a_sample_of_wrong_kernels_is_refused() -> None:
    report = campaign("--tasks", "silu_and_mul", "--per-task", "20", "--seed", "7")
    shown = int(report.split("wrong kernels refused: ")[1].split(" of ")[1].split()[0])
    assert shown >= 12, report  # most mutants of the sample are wrong; the others tell nothing


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
def test_the_whole_campaign(tmp_path: Path) -> None:
    state = tmp_path / "mutation.jsonl"
    campaign("--state", str(state), "--per-task", "150")
    print(campaign("--state", str(state), "--honest"))
