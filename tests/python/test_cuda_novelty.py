"""Novelty of CUDA kernels needs nvcc, and no GPU: known sets, their texts, and what a disguise changes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from crucible.cli import main

ROOT = Path(__file__).resolve().parents[2]
KNOWN = ROOT / "configs" / "known_optimizations" / "cuda"
TASKS = sorted(folder.name for folder in KNOWN.iterdir())
NVCC = shutil.which("nvcc") or shutil.which("/usr/local/cuda/bin/nvcc")
needs_nvcc = pytest.mark.skipif(NVCC is None, reason="no CUDA Toolkit is here")


def listed(task: str) -> list[dict[str, str]]:
    """The entries of an index: `- name: …` begins one, every other line is a key of it."""
    entries: list[dict[str, str]] = []
    for line in (KNOWN / task / "index.yaml").read_text(encoding="utf-8").splitlines():
        found = re.fullmatch(r"  (-| ) (\w+): (.+)", line)
        if found is None:
            continue
        if found.group(1) == "-":
            entries.append({})
        entries[-1][found.group(2)] = found.group(3)
    return entries


def test_every_task_of_the_backend_has_known_kernels_and_every_text_is_listed():
    shared = {
        path.stem
        for path in (ROOT / "configs" / "tasks").glob("*.yaml")
        if re.search(r"^backends: .*\bcuda\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    own = {path.stem for path in (ROOT / "configs" / "tasks" / "cuda").glob("*.yaml")}
    assert set(TASKS) == shared | own
    for task in TASKS:
        kernels = listed(task)
        assert len(kernels) >= 2, task
        assert {kernel["file"] for kernel in kernels} == {path.name for path in (KNOWN / task).glob("*.cu")}
        for kernel in kernels:
            assert all(kernel[key] for key in ("name", "tags", "source", "description")), task
            assert re.search(rf"\bint\s+{task}\(", (KNOWN / task / kernel["file"]).read_text(encoding="utf-8"))


@needs_nvcc
def test_a_known_kernel_is_known_and_renaming_does_not_hide_it(tmp_path, capsys):
    text = (KNOWN / "embedding" / "vectors.cu").read_text(encoding="utf-8")
    for old, new in {"look_up": "f17", "copy_row": "g3", "EmbeddingArguments": "Q", "width": "w9"}.items():
        text = re.sub(rf"\b{old}\b", new, text)
    renamed = tmp_path / "renamed.cu"
    renamed.write_text("// mine, all of it\n" + text, encoding="utf-8")
    assert main(["novelty", "embedding", str(renamed), "--backend", "cuda", "--json"]) == 0
    asked = json.loads(capsys.readouterr().out)
    assert asked["nearest"][0]["name"] == "vectors"
    assert asked["nearest"][0]["similarity"] > 0.9
    assert asked["score"] == 0
    assert any(view > 0 for view in asked["nearest"][0]["views"].values())


@needs_nvcc
@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_every_known_kernel_compiles(task, tmp_path):
    for kernel in listed(task):
        source = KNOWN / task / kernel["file"]
        subprocess.run(
            [NVCC, "-std=c++20", "-O3", "-arch=sm_90a", f"-I{ROOT}/sandbox/compile/include",
             "-Xcompiler", "-fPIC,-fvisibility=hidden", "-shared", str(source), "-o", str(tmp_path / "kernel.so")],
            check=True, capture_output=True,
        )  # fmt: skip
