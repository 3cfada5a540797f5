"""Kernels whose one true verdict is known, and what all tests of faults share."""

from __future__ import annotations

import os
from dataclasses import dataclass

import crucible

SECRET = "faults"
#: Whole runs of `make soak`; continuous integration takes a seeded sample.
SOAK = os.environ.get("CRUCIBLE_SOAK") == "1"
ENTRY = "int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, void*)"


def kernel(body: str, includes: str = "") -> str:
    """An rms_norm whose entry point does only `body`."""
    return f'#include <crucible/kernel.h>\n{includes}\nextern "C" {ENTRY} {{\n{body}\n}}\n'


@dataclass(frozen=True)
class Known:
    """A kernel and the one verdict that is true of it."""

    name: str
    source: str
    verdict: str


def known_kernels() -> dict[str, Known]:
    seed = crucible.find_task("rms_norm").seed_kernel
    kernels = (
        Known("correct", seed, "correct"),
        Known("wrong", kernel("return 0;"), "wrong_result"),
        Known("slow_compile", kernel("return 0;", '#include <regex>\nstatic std::regex r("a+");'), "wrong_result"),
        Known("no_compile", kernel("return nothing;"), "compile_error"),
        Known("crash", kernel("*(volatile int*)8 = 1; return 0;"), "crashed"),
    )
    return {each.name: each for each in kernels}
