"""A kernel template: texts of rms_norm kernels from a few choices, all correct, of very different speed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from string import Template

#: What may be chosen, in order. Every combination is a correct kernel.
CHOICES: dict[str, tuple[str, ...]] = {
    "width": ("1", "4", "8", "16"),
    "unroll": ("1", "2", "4"),
    "sum": ("double", "float"),
    "keep": ("true", "false"),
    "convert": ("false", "true"),
}

_TEXT = Template((Path(__file__).parent / "rms_norm_template.cpp.in").read_text(encoding="utf-8"))


def source_of(choice: Mapping[str, str]) -> str:
    """The kernel of one combination."""
    for name, value in choice.items():
        if value not in CHOICES[name]:
            raise ValueError(f"{name} may be {', '.join(CHOICES[name])}, not {value}")
    return _TEXT.substitute(choice, description=describe(choice))


def describe(choice: Mapping[str, str]) -> str:
    return " ".join(f"{name}={choice[name]}" for name in CHOICES)


def combinations() -> list[dict[str, str]]:
    """All kernels that the template can make."""
    return [dict(zip(CHOICES, values, strict=True)) for values in itertools.product(*CHOICES.values())]
