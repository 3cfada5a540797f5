"""Hostile programs as files: a header of `// key: value` lines, then the text of a candidate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_KEYS = {"attack", "row", "task", "allow", "finding", "twin", "must", "absent", "within"}
_REQUIRED = ("attack", "row", "task", "allow", "finding", "twin", "must")
_FIELD = re.compile(r"// (\w+): ?(.*)")
_PART = re.compile(r'#include "(\.\./parts/[^"]+)"')


@dataclass(frozen=True)
class Attack:
    """One hostile program, its honest twin, and what must happen."""

    name: str
    attack: str  #: what it tries, in one sentence
    row: str  #: of the catalogue of known hacks; "own" for an invention
    task: str
    allow: frozenset[str]  #: verdicts that are acceptable
    findings: frozenset[str]  #: one of these must be reported; "-" among them: none need be
    must: str
    source: str
    twin: str  #: the same kernel without the trick
    absent: str = ""  #: a pattern that no text shown to the author may match
    within: float = 90.0  #: seconds that an evaluation may take


def expand(path: Path, seen: set[Path] | None = None) -> str:
    """The file's text with its parts put in where they are included, each once: a candidate is one text."""
    seen = set() if seen is None else seen
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        found = _PART.match(line)
        if found is None:
            lines.append(line)
            continue
        part = (path.parent / found.group(1)).resolve()
        if part not in seen:
            seen.add(part)
            lines.append(expand(part, seen).rstrip("\n"))
    return "\n".join(lines) + "\n"


def load_attack(path: Path) -> Attack:
    """Raises ValueError when the header is incomplete: a program whose outcome nobody stated tests nothing."""
    fields: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        found = _FIELD.fullmatch(line)
        if found is None:
            break
        key, value = found.groups()
        if key not in _KEYS:
            raise ValueError(f"{path}: unknown key '{key}'")
        fields[key] = value.strip()
    missing = [key for key in _REQUIRED if not fields.get(key)]
    if missing:
        raise ValueError(f"{path}: the header lacks '{missing[0]}'")
    twin = (path.parent.parent / fields["twin"]).resolve()
    return Attack(
        name=f"{path.parent.name}/{path.stem}",
        attack=fields["attack"],
        row=fields["row"],
        task=fields["task"],
        allow=frozenset(part.strip() for part in fields["allow"].split(",")),
        findings=frozenset(fields["finding"].split("|")),
        must=fields["must"],
        source=expand(path),
        twin=expand(twin),
        absent=fields.get("absent", ""),
        within=float(fields.get("within", Attack.within)),
    )


def load_attacks(root: Path, folders: Iterable[str] = ("cpu", "compile")) -> list[Attack]:
    """All programs under `root`, by name."""
    return [load_attack(path) for folder in folders for path in sorted((root / folder).glob("*.cpp"))]
