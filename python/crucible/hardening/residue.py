"""What an evaluation may not leave behind: processes, shared memory, files, locks."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

#: Helpers that live as long as their evaluator does.
_STANDING = {"crucible-warden", "crucible-judge"}
_PATIENCE = 3.0


def _parents() -> dict[int, int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:  # it ended meanwhile
            continue
        parents[int(entry.name)] = int(stat[stat.rindex(")") + 2 :].split()[1])
    return parents


def descendants(root: int) -> Iterator[int]:
    """Processes below `root`, zombies included."""
    parents = _parents()
    for pid in parents:
        above = parents.get(pid, 0)
        while above not in (0, root):
            above = parents.get(above, 0)
        if above == root:
            yield pid


def _name(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
        return Path(command).name or Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _locks() -> set[int]:
    holders = set()
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if len(words) > 4 and words[1] == "FLOCK" and words[4].isdigit():
            holders.add(int(words[4]))
    return holders


def _strangers(ours: set[int]) -> bool:
    return any(_name(pid) == "crucible-warden" for pid in _parents() if pid not in ours)


class Residue:
    """A snapshot; `found()` is what is there now and was not there then."""

    def __init__(self) -> None:
        self._root = os.getpid()
        self._files = set(self._shared())

    @staticmethod
    def _shared() -> Iterator[str]:
        for folder in ("/dev/shm", "/tmp"):
            for entry in os.listdir(folder):
                mine = folder == "/dev/shm" or entry.startswith("crucible-jail-") or entry in ("owned", "fill")
                if mine or entry.endswith("_results.bin"):
                    yield f"{folder}/{entry}"

    def _now(self) -> list[str]:
        running = {pid: _name(pid) for pid in descendants(self._root)}
        found = [f"process {pid} ({name})" for pid, name in running.items() if name.startswith("crucible-")]
        found = [text for text in found if not any(f"({name})" in text for name in _STANDING)]
        held = _locks() & set(running)
        found += [f"a lock held by process {pid}" for pid in held]
        files = sorted(set(self._shared()) - self._files)
        if _strangers(set(running)):  # another evaluator on this machine has jails of its own
            files = [name for name in files if "/crucible-jail-" not in name]
        return found + [f"file {name}" for name in files]

    def found(self) -> list[str]:
        """Waits a moment for what is just being reaped."""
        until = time.monotonic() + _PATIENCE
        left = self._now()
        while left and time.monotonic() < until:
            time.sleep(0.05)
            left = self._now()
        return left
