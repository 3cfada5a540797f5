"""An evaluator whose only baseline is a kernel of one's choice, for benches that compare two texts."""

from __future__ import annotations

import subprocess
from pathlib import Path

from crucible import _core
from crucible.configuration import config_directory

FLAGS = ["-std=c++20", "-O3", "-march=native", "-fopenmp", "-fPIC", "-shared"]  # a candidate's


def libexec_with_one_baseline(folder: Path, text: str) -> None:
    """The package's helpers, and one plug-in: `text` compiled as a candidate is."""
    real = Path(_core.libexec_directory())
    for helper in real.iterdir():
        if helper.name != "baselines":
            (folder / helper.name).symlink_to(helper)
    (folder / "baselines").mkdir()
    wrapped = folder / "self.cpp"
    wrapped.write_text(
        text
        + '\nextern "C" const char* crucible_baseline_name() { return "self"; }'
        + '\nextern "C" const char* crucible_baseline_version() { return "1"; }\n',
        encoding="utf-8",
    )
    plugin = folder / "baselines" / "self.so"
    subprocess.run(["g++", *FLAGS, f"-I{real.parent / '_include'}", str(wrapped), "-o", str(plugin)], check=True)


def evaluator_against(text: str, scratch: Path, budget_seconds: float = 5.0) -> _core.Evaluator:
    """`scratch` must be empty, and outlive the evaluator."""
    libexec = scratch / "libexec"
    libexec.mkdir()
    libexec_with_one_baseline(libexec, text)
    settings = _core.EvaluatorOptions()
    settings.backend = "cpu"
    settings.libexec = str(libexec)
    settings.config_directory = config_directory()
    settings.run_directory = str(scratch / "run")
    settings.time_budget_seconds = budget_seconds
    return _core.Evaluator(settings)
