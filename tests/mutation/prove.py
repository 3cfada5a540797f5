"""Shows that a compiled kernel is wrong: calls it in a process of its own on every workload's shapes and strides.

A kernel is shown wrong when an output is plainly wrong (oracle.py), a byte changes that is not an output, it refuses a
call, crashes or does not return. Calls share addresses, with other contents each time, and go from large to small and
back, so that state between calls shows.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from oracle import (
    Arrays,
    Call,
    Truth,
    draw,
    from_bits,
    plainly_wrong,
    plainly_wrong_choice,
    storage_type,
    tensors,
    to_bits,
    truth,
)

ZONE = 4096  # bytes of nobody on both sides of every storage
CPU_SECONDS = 30  # for all calls of one kernel: what takes longer does not return
DEADLINE = 90.0  # seconds: what waits longer is not judged here
CODES = {"f32": (2, 32), "bf16": (4, 16), "i32": (0, 32), "i64": (0, 64)}


class DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("byte_offset", ctypes.c_uint64),
    ]


@dataclass
class Prepared:
    call: Call
    truth: Truth
    before: list[np.ndarray]  # bytes per storage, zones included: inputs in place, poison everywhere else
    writable: list[np.ndarray]  # mask per storage: bytes that the call may change


def view(memory: np.ndarray, t: dict[str, Any]) -> np.ndarray:
    """A tensor's elements within its storage's bytes (zones included)."""
    kind = np.dtype(storage_type(t["dtype"]))
    start = ZONE + t["byte_offset"]
    strides = tuple(s * kind.itemsize for s in t["strides"])
    return np.ndarray(tuple(t["shape"]), kind, memory.data, start, strides)


def prepare(task: str, call: Call, rng: np.random.Generator, poison: int) -> Prepared:
    inputs: Arrays = draw(task, call, rng)
    before, writable = [], []
    for size in call["storages"]:
        before.append(np.full(size + 2 * ZONE, poison, np.uint8))
        writable.append(np.zeros(size + 2 * ZONE, bool))
    for name, t in tensors(call).items():
        if 0 in t["shape"]:
            continue
        if name in inputs:
            view(before[t["storage"]], t)[...] = to_bits(t["dtype"], inputs[name])
        if t["access"] != "input":
            size = np.dtype(storage_type(t["dtype"])).itemsize
            strides = tuple(s * size for s in t["strides"])
            mask = writable[t["storage"]]
            for byte in range(size):
                np.ndarray(tuple(t["shape"]), bool, mask.data, ZONE + t["byte_offset"] + byte, strides)[...] = True
    return Prepared(call, truth(task, call, inputs), before, writable)


def prepare_all(task: str, calls: list[Call], seed: int) -> list[Prepared]:
    """Two contents of every workload, one after the other, from large to small; then one of each back again."""
    rng = np.random.default_rng(seed)
    order = sorted(calls, key=lambda call: -sum(call["storages"]))
    made = [prepare(task, call, rng, poison) for call in order for poison in (0xFF, 0x3C)]
    return made + made[::-2]


class Memory:
    """One buffer per storage number, large enough for every call."""

    def __init__(self, prepared: list[Prepared]) -> None:
        count = max(len(p.before) for p in prepared)
        sizes = [max((p.before[i].size for p in prepared if i < len(p.before)), default=0) for i in range(count)]
        self.raw = [np.zeros(size + 128, np.uint8) for size in sizes]
        self.buffers = []
        for raw in self.raw:
            skip = -raw.ctypes.data % 64
            self.buffers.append(raw[skip:])

    def run(self, function: Any, p: Prepared) -> str | None:
        """One call; why it is wrong."""
        for buffer, before in zip(self.buffers, p.before, strict=False):
            buffer[: before.size] = before
        arguments: list[Any] = []
        kept: list[Any] = []
        for a in p.call["arguments"]:
            if a["kind"] == "float64":
                arguments.append(ctypes.c_double(a["value"]))
            elif a["kind"] == "int":
                arguments.append(ctypes.c_int64(a["value"]))
            elif a["kind"] == "absent":
                arguments.append(ctypes.c_void_p(None))
            else:
                dims = len(a["shape"])
                shape = (ctypes.c_int64 * max(dims, 1))(*a["shape"])
                strides = (ctypes.c_int64 * max(dims, 1))(*a["strides"])
                code, bits = CODES[a["dtype"]]
                data = self.buffers[a["storage"]].ctypes.data + ZONE
                t = DLTensor(data, 1, 0, dims, code, bits, 1, ctypes.addressof(shape), ctypes.addressof(strides),
                             a["byte_offset"])  # fmt: skip
                kept += [shape, strides, t]
                arguments.append(ctypes.byref(t))
        code = function(*arguments, ctypes.c_void_p(None))
        if code != 0:
            return f"returned {code}"
        after = [buffer[: before.size].copy() for buffer, before in zip(self.buffers, p.before, strict=False)]
        for i, (seen, before, mask) in enumerate(zip(after, p.before, p.writable, strict=True)):
            if np.any((seen != before) & ~mask):
                return f"a byte of storage {i} that is no output changed"
        given = tensors(p.call)
        if p.truth.choice is not None:
            weights = from_bits("f32", view(after[given["weights"]["storage"]], given["weights"]))
            ids = from_bits("i32", view(after[given["ids"]["storage"]], given["ids"]))
            return plainly_wrong_choice(p.truth.choice, weights, ids)
        for name, expected in p.truth.outputs.items():
            t = given[name]
            if 0 in t["shape"]:
                continue
            seen = from_bits(t["dtype"], view(after[t["storage"]], t))
            if why := plainly_wrong(name, t["dtype"], expected, seen):
                return why
        return None


def judge(task: str, path: str, prepared: list[Prepared], memory: Memory, rounds: int) -> str | None:
    function = getattr(ctypes.CDLL(path), task)
    function.restype = ctypes.c_int
    for _ in range(rounds):
        for p in prepared:
            if why := memory.run(function, p):
                return f"{p.call['workload']}: {why}"
    return None


def shown_wrong(task: str, path: str, prepared: list[Prepared], memory: Memory, rounds: int = 1) -> str | None:
    """Why the kernel at `path` is wrong, found in a child process; None when nothing was found."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        status = 0
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.write(writer, (judge(task, path, prepared, memory, rounds) or "").encode()[:2000])
        except BaseException:
            status = 3
        os._exit(status)
    os.close(writer)
    text, timed_out, limit = b"", False, time.monotonic() + DEADLINE
    while True:
        ready, _, _ = select.select([reader], [], [], max(0.0, limit - time.monotonic()))
        if not ready:
            os.kill(child, signal.SIGKILL)
            timed_out = True
            break
        chunk = os.read(reader, 4096)
        if not chunk:
            break
        text += chunk
    os.close(reader)
    _, status = os.waitpid(child, 0)
    if timed_out:
        return None  # it may only have waited for the machine
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        return "does not return"
    if os.WIFSIGNALED(status):
        return text.decode() or f"dies of signal {os.WTERMSIG(status)}"
    if os.WEXITSTATUS(status) == 3:
        raise RuntimeError(f"{path}: the kernel could not be loaded or called")
    return text.decode() or None
