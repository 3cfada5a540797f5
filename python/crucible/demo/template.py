"""Kernel templates: source texts from a few choices. Most combinations are right, some are not; their speeds differ."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

_FOLDER = Path(__file__).parent / "templates"
_WIDTHS = ("1", "4", "8", "16")
_THREADS = ("64", "128", "256", "512")
_SWITCH = ("false", "true")

#: Choices and parts of the text of every task, by backend.
_KNOWN: dict[str, dict[str, tuple[dict[str, tuple[str, ...]], tuple[str, ...]]]] = {
    "cpu": {
        "rms_norm": (
            {
                "width": _WIDTHS,
                "unroll": ("1", "2", "4"),
                "sum": ("double", "float"),
                "keep": ("true", "false"),
                "convert": _SWITCH,
            },
            ("prelude.cpp.in", "rms_norm.cpp.in"),
        ),
        "softmax": (
            {"width": _WIDTHS, "exp": _SWITCH, "keep": _SWITCH, "shift": _SWITCH},
            ("prelude.cpp.in", "exponential.cpp.in", "softmax.cpp.in"),
        ),
        "silu_and_mul": (
            {"width": _WIDTHS, "exp": _SWITCH, "unroll": ("1", "2"), "tail": _SWITCH},
            ("prelude.cpp.in", "exponential.cpp.in", "silu_and_mul.cpp.in"),
        ),
        "gemm": (
            {"width": _WIDTHS, "rows": ("1", "4"), "sum": ("double", "float"), "bias": _SWITCH},
            ("prelude.cpp.in", "gemm.cpp.in"),
        ),
    },
    "cuda": {
        "rms_norm": (
            {"threads": _THREADS, "vector": _WIDTHS[:3], "once": _SWITCH},
            ("prelude.cu.in", "rows.cu.in", "rms_norm.cu.in"),
        ),
        "softmax": (
            {"threads": _THREADS, "vector": _WIDTHS[:3], "exp": _SWITCH, "shift": _SWITCH},
            ("prelude.cu.in", "rows.cu.in", "softmax.cu.in"),
        ),
        "silu_and_mul": (
            {"threads": _THREADS, "vector": _WIDTHS[:3], "exp": _SWITCH, "tail": _SWITCH},
            ("prelude.cu.in", "rows.cu.in", "silu_and_mul.cu.in"),
        ),
        "gemm": (
            {"threads": _THREADS, "tile": ("16", "32", "64"), "bias": _SWITCH},
            ("prelude.cu.in", "gemm.cu.in"),
        ),
    },
}


@dataclass(frozen=True)
class KernelTemplate:
    """`choices` names what may be chosen, in order."""

    task: str
    choices: dict[str, tuple[str, ...]]
    text: str

    def source(self, choice: Mapping[str, str]) -> str:
        """The kernel of one combination."""
        if set(choice) != set(self.choices):
            raise ValueError(f"a {self.task} kernel is {', '.join(self.choices)}, not {', '.join(choice)}")
        for name, value in choice.items():
            if value not in self.choices[name]:
                raise ValueError(f"{name} may be {', '.join(self.choices[name])}, not {value}")
        return Template(self.text).substitute(choice, task=self.task, description=self.describe(choice))

    def describe(self, choice: Mapping[str, str]) -> str:
        return " ".join(f"{name}={choice[name]}" for name in self.choices)

    def combinations(self) -> list[dict[str, str]]:
        """All kernels that the template can make."""
        return [dict(zip(self.choices, values, strict=True)) for values in itertools.product(*self.choices.values())]


def template_tasks(backend: str = "cpu") -> list[str]:
    """Tasks for which there is a template."""
    return sorted(_KNOWN.get(backend, {}))


def kernel_template(task: str, backend: str = "cpu") -> KernelTemplate:
    """The template of a task; ValueError when there is none."""
    known = _KNOWN.get(backend, {})
    if task not in known:
        raise ValueError(f"no template of {task} for {backend}; there are: {', '.join(known) or 'none'}")
    choices, parts = known[task]
    return KernelTemplate(task, choices, "".join((_FOLDER / part).read_text(encoding="utf-8") for part in parts))
