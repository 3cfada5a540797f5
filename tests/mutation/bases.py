"""The correct kernels that are mutated: known optimizations, honest curiosities, seeds and examples of all tasks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

TASKS = (
    "rms_norm",
    "fused_add_rms_norm",
    "layer_norm",
    "silu_and_mul",
    "softmax",
    "rotary_embedding",
    "topk_softmax",
    "gemm",
    "gemm_gelu",
    "paged_decode_attention",
)


@dataclass(frozen=True)
class Base:
    task: str
    name: str  # "known/streaming", "benign/gemm_jthreads", …
    text: str


def task_of(stem: str) -> str:
    """File names begin with the task's."""
    return max((task for task in TASKS if stem.startswith(task)), key=len)


def bases(task: str) -> list[Base]:
    """Every correct cpu kernel of this repository for `task`, in a fixed order."""
    found = [("known", p) for p in sorted((ROOT / "configs/known_optimizations" / task).glob("*.cpp"))]
    found += [("benign", p) for p in sorted((ROOT / "tests/benign/cpu").glob("*.cpp")) if task_of(p.stem) == task]
    found += [("example", p) for p in sorted((ROOT / "examples/kernels" / task).glob("*.cpp"))]
    found = [(kind, p) for kind, p in found if kind != "example" or p.stem in ("slow", "fast")]
    found.append(("seed", ROOT / "configs/tasks" / f"{task}.seed.cpp"))
    return [Base(task, f"{kind}/{path.stem}", path.read_text(encoding="utf-8")) for kind, path in found]
