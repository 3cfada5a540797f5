"""What a run directory tells of its pools, live or past: what `crucible top` shows and what metrics are made of."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from crucible._core import ConfigError, update_summary

#: A pool that is alive writes about once a second while it has work; older news of a live one means it is idle.
_LAST_RECORDS = 8
_TAIL_BYTES = 1 << 18


def read_run(run: str | os.PathLike[str], records: int = _LAST_RECORDS) -> dict[str, Any]:
    """The state of a run: {"run", "live", "pools", "summary", "last"}. ConfigError when it is no run directory."""
    path = Path(run)
    if not path.is_dir():
        raise ConfigError(f"{run}: no such run directory")
    if not any((path / name).exists() for name in ("records.jsonl", "status", "configuration.json", "secret")):
        raise ConfigError(f"{run}: holds no run (neither records.jsonl nor status/)")
    pools = [pool for file in sorted((path / "status").glob("*.json")) if (pool := _read(file))]
    for pool in pools:
        pool["live"] = pool.get("state") == "open" and _alive(int(pool.get("pid", 0)))
    live = any(pool["live"] for pool in pools)
    if live:
        pools = [pool for pool in pools if pool["live"]]
    return {
        "run": os.fspath(path),
        "live": live,
        "pools": pools,
        "summary": json.loads(update_summary(os.fspath(path))),
        "last": _tail(path / "records.jsonl", records),
    }


def _read(file: Path) -> dict[str, Any] | None:
    try:
        made = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it went away, or is another's
        return None
    return made if isinstance(made, dict) and made.get("schema") == 1 else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _tail(file: Path, count: int) -> list[dict[str, Any]]:
    """The last records, newest first, cut to what a table shows. Lines that are torn or damaged are skipped."""
    try:
        with open(file, "rb") as records:
            size = records.seek(0, os.SEEK_END)
            start = max(0, size - _TAIL_BYTES * max(1, count // 4))
            records.seek(start)
            lines = records.read().split(b"\n")
    except OSError:
        return []
    made: list[dict[str, Any]] = []
    for line in reversed(lines[1:] if start else lines):
        if len(made) == count:
            break
        try:
            record = json.loads(line)
        except ValueError:
            continue
        speedup = record.get("speedup") or {}
        made.append(
            {
                "id": record.get("id", ""),
                "time_utc": record.get("time_utc", ""),
                "task": record.get("task", ""),
                "verdict": record.get("verdict", ""),
                "reward": record.get("reward"),
                "speedup": speedup.get("estimate"),
                "cached": bool(record.get("cached")),
                "seconds": sum((record.get("stage_seconds") or {}).values()),
            }
        )
    return made
