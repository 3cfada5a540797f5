"""Processes as /proc shows them: who descends from whom, what they are called, what they hold."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: Roles of a step's processes, by the names that they bear.
ROLES = {
    "warden": {"crucible-warden"},
    "judge": {"crucible-judge"},
    "init": {"crucible-init"},
    "runner": {"crucible-runner"},
    "compiler": {"g++", "gcc", "cc1plus", "as", "collect2", "ld"},
}


@dataclass(frozen=True)
class Process:
    """A process, told apart from a later one with the same number by its start."""

    pid: int
    parent: int
    name: str
    started: int
    state: str

    @property
    def alive(self) -> bool:
        return self.state not in "ZX"

    def kill(self) -> bool:
        now = look(self.pid)
        if now is None or now.started != self.started or not now.alive:
            return False
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True


def look(pid: int) -> Process | None:
    """Process `pid` as it is now; None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    name = stat[stat.index("(") + 1 : stat.rindex(")")]
    words = stat[stat.rindex(")") + 2 :].split()
    if name.startswith("crucible-judge"):
        name = "crucible-judge"
    return Process(pid, int(words[1]), name, int(words[19]), words[0])


def everything() -> dict[int, Process]:
    found = (look(int(entry)) for entry in os.listdir("/proc") if entry.isdigit())
    return {process.pid: process for process in found if process is not None}


def descendants(root: int) -> list[Process]:
    """All processes below `root`, zombies included."""
    processes = everything()
    below = []
    for process in processes.values():
        above = process.parent
        while above not in (0, root) and above in processes:
            above = processes[above].parent
        if above == root:
            below.append(process)
    return below


def of_role(role: str, root: int) -> list[Process]:
    return [process for process in descendants(root) if process.name in ROLES[role] and process.alive]


def still_alive(processes: Iterable[Process]) -> list[Process]:
    left = []
    for process in processes:
        now = look(process.pid)
        if now is not None and now.started == process.started and now.alive:
            left.append(now)
    return left


def await_gone(processes: Iterable[Process], seconds: float) -> list[Process]:
    """Those that still live when the time is over."""
    until = time.monotonic() + seconds
    left = still_alive(processes)
    while left and time.monotonic() < until:
        time.sleep(0.02)
        left = still_alive(left)
    return left


def resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    return 0


def descriptors(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def traces() -> Iterator[str]:
    """What may stay behind on the file system: shared memory, folders of jails, mounts."""
    yield from (f"/dev/shm/{entry}" for entry in os.listdir("/dev/shm"))
    yield from (f"/tmp/{entry}" for entry in os.listdir("/tmp") if entry.startswith("crucible-jail-"))
    for line in Path("/proc/self/mounts").read_text().splitlines():
        if "crucible" in line:
            yield f"mount {line.split()[1]}"
