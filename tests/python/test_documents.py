"""What the README and the examples show is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def python_blocks(path: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.timeout(240)
def test_the_first_example_of_the_readme_runs(tmp_path: Path) -> None:
    block = python_blocks(ROOT / "README.md")[0]
    lines = [line for line in block.splitlines() if line.strip()]
    assert len(lines) <= 10
    done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "correct" in done.stdout


@pytest.mark.timeout(240)
def test_the_ablation_example_runs_on_a_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (tmp_path / "k.cpp").write_text("no kernel")
    subprocess.run([sys.executable, "-m", "crucible", "evaluate", "rms_norm", "k.cpp", "--backend", "cpu", "--run",
                    str(run)], cwd=tmp_path, check=True, capture_output=True)  # fmt: skip
    done = subprocess.run([sys.executable, str(ROOT / "examples" / "ablate_reward.py"), str(run)], capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "compile_error" in done.stdout


def test_links_of_the_documents_lead_somewhere() -> None:
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            if not target.startswith(("http:", "https:", "mailto:")):
                assert (document.parent / target).exists(), f"{document.name}: {target}"
