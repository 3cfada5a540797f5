"""How the command talks: tables and progress for a person, JSON for a program."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output; NaN and infinities become null."""
    sys.stdout.write(json.dumps(finite(value), ensure_ascii=False, allow_nan=False) + "\n")


def finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value


def number(value: float | None, pattern: str = "{:.3f}") -> str:
    """A figure as text; what was not measured is a dash."""
    return "–" if value is None or not math.isfinite(value) else pattern.format(value)


@contextmanager
def progress(title: str, wanted: bool) -> Iterator[Callable[[str, float], None] | None]:
    """A live bar on a terminal; None (and no output at all) elsewhere or when it is not wanted."""
    if not wanted or not err.is_terminal:
        yield None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        job = bar.add_task(title, total=1.0)

        def report(stage: str, share: float) -> None:
            bar.update(job, description=f"{title} · {stage}", completed=min(max(share, 0.0), 1.0))

        yield report
