"""Compiles many kernels with the flags a candidate gets; common headers are parsed once."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bases import ROOT

FLAGS = ["-std=c++20", "-O3", "-march=native", "-fopenmp", "-fPIC", "-w", f"-I{ROOT / 'sandbox/compile/include'}"]
HEADERS = (
    "algorithm array atomic bit cmath complex cstddef cstdint cstdlib cstring functional limits map memory numeric "
    "string thread utility vector immintrin.h omp.h"
)


def prelude(folder: Path) -> list[str]:
    """Arguments that put a precompiled header before a kernel; made in `folder` when missing."""
    header = folder / "prelude.h"
    if not (folder / "prelude.h.gch").exists():
        header.write_text("".join(f"#include <{name}>\n" for name in HEADERS.split()))
        subprocess.run(["g++", *FLAGS, "-x", "c++-header", str(header), "-o", f"{header}.gch"], check=True)
    return ["-include", str(header)]


def compile_one(text: str, path: Path, before: list[str]) -> bool:
    """Whether `text` compiles and links to the shared object `path`."""
    source = path.with_suffix(".cpp")
    source.write_text(text, encoding="utf-8")
    try:
        done = subprocess.run(
            ["g++", *FLAGS, *before, "-shared", str(source), "-o", str(path)], capture_output=True, timeout=60
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def compile_all(texts: list[str], folder: Path) -> list[Path | None]:
    """A shared object per text; None for those that do not compile."""
    folder.mkdir(parents=True, exist_ok=True)
    before = prelude(folder)
    paths = [folder / f"k{i}.so" for i in range(len(texts))]
    for path in paths:
        path.unlink(missing_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        compiled = list(pool.map(lambda job: compile_one(*job, before), zip(texts, paths, strict=True)))
    return [path if good else None for path, good in zip(paths, compiled, strict=True)]
