"""How records and tasks are named on the command line."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from crucible import ConfigError, Record, read_records
from crucible.cli.console import err


def records_file(text: str) -> str:
    """The records of a file or of a run directory."""
    path = Path(text)
    if path.is_dir():
        path = path / "records.jsonl"
    if not path.is_file():
        raise ConfigError(f"{text}: no records there (give records.jsonl or a run directory)")
    return os.fspath(path)


def all_records(text: str) -> list[Record]:
    """Every record of a file; damaged lines are reported on standard error. None at all is an error."""
    path = records_file(text)
    read = read_records(path)
    for problem in read.problems:
        err.print(f"crucible: {problem}", style="yellow", markup=False)
    if not read.records:
        raise ConfigError(f"{path}: holds no record")
    return read.records


def one_record(text: str) -> Record:
    """FILE, FILE:N (1 is the first, -1 the last), FILE:ID, or a run directory in FILE's place. Default: the last."""
    if os.path.exists(text):
        return all_records(text)[-1]
    path, colon, which = text.rpartition(":")
    if not colon or not os.path.exists(path):
        raise ConfigError(f"{text}: no such file or run directory")
    records = all_records(path)
    try:
        index = int(which)
    except ValueError:
        for record in records:
            if record.id == which:
                return record
        close = difflib.get_close_matches(which, [r.id for r in records], n=1)
        raise ConfigError(f"{path}: no record '{which}'" + (f"; did you mean '{close[0]}'?" if close else "")) from None
    if index == 0 or abs(index) > len(records):
        raise ConfigError(f"{path}: no record {index}; it holds {len(records)}")
    return records[index - 1 if index > 0 else index]


def overrides(pairs: list[str]) -> list[tuple[str, str]]:
    """KEY=VALUE arguments."""
    made = []
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {pair}: write KEY=VALUE")
        made.append((key.strip(), value.strip()))
    return made
