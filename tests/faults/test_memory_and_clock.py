"""Memory that is short, a trainer that is huge, a clock that jumps."""

from __future__ import annotations

import math
import mmap
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import crucible
from crucible.environment import KernelEnv
from faults.known import Known
from faults.processes import of_role

ROOT = Path(__file__).parents[2]
GIB = 1 << 30
MAP_NORESERVE = 0x4000  # mmap names it from Python 3.13 on


def step(env: KernelEnv, known: Known) -> tuple[str, float]:
    _, reward, _, truncated, info = env.step(known.source)
    if truncated:
        env.reset(seed=5)
    return info["verdict"], reward


@pytest.mark.slow
def test_a_judge_that_is_out_of_memory_is_replaced(env: KernelEnv, kernels: dict[str, Known]) -> None:
    """Its allocations fail: our failure or the truth at once, and the truth in the next step."""
    assert step(env, kernels["wrong"])[0] == "wrong_result"
    for judge in of_role("judge", os.getpid()):
        size = int(Path(f"/proc/{judge.pid}/statm").read_text().split()[0]) * mmap.PAGESIZE
        resource.prlimit(judge.pid, resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))
    verdict, reward = step(env, kernels["wrong"])
    assert verdict == "wrong_result" or (verdict == "infrastructure_error" and math.isnan(reward))
    assert step(env, kernels["wrong"])[0] == "wrong_result"


@pytest.mark.slow
def test_limits_do_not_count_a_huge_trainer(options: dict[str, Any], kernels: dict[str, Known]) -> None:
    """Far more address space than any jail may have, and memory that is really used, are the trainer's own affair."""
    reserved = mmap.mmap(-1, 512 * GIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
    free = os.sysconf("SC_AVPHYS_PAGES") * mmap.PAGESIZE
    used = min(3 * GIB, free // 4)
    for at in range(0, used, mmap.PAGESIZE):
        reserved[at] = 1
    try:
        with crucible.Evaluator(**options) as evaluator:
            for name in ("slow_compile", "no_compile", "crash"):
                assert evaluator.evaluate("rms_norm", kernels[name].source).verdict.name == kernels[name].verdict
    finally:
        reserved.close()


@pytest.mark.slow
def test_a_trainer_with_limits_of_its_own_gets_the_truth_or_nothing(options: dict[str, Any]) -> None:
    """What the trainer inflicts on itself (ulimit -v, -f, -n) its helpers inherit: never a false verdict."""
    script = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from known import kernel
import crucible
which, value = getattr(resource, sys.argv[3]), int(sys.argv[4])
resource.setrlimit(which, (value, value))
try:
    with crucible.Evaluator(backend="cpu", run_directory=sys.argv[2], secret="faults", cache=False) as evaluator:
        print(evaluator.evaluate("rms_norm", kernel("return 0;")).verdict.name)
except (crucible.ConfigError, RuntimeError, OSError, MemoryError) as error:
    print("refused", error)
"""
    for which, value in (("RLIMIT_AS", GIB), ("RLIMIT_FSIZE", 1 << 16), ("RLIMIT_NOFILE", 24)):
        done = subprocess.run(
            [sys.executable, "-c", script, os.path.dirname(__file__), options["run_directory"], which, str(value)],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        said = done.stdout.split()[:1]
        assert said in (["wrong_result"], ["infrastructure_error"], ["refused"]), f"{which}: {done.stderr}"


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
#include <sys/time.h>
#include <sys/syscall.h>
#include <unistd.h>
static long shift(void) { static long calls; return ++calls % 2 ? 86400 * 365 : -86400 * 365; }
int clock_gettime(clockid_t id, struct timespec* t) {
  int r = syscall(SYS_clock_gettime, id, t);
  if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) t->tv_sec += shift();
  return r;
}
int gettimeofday(struct timeval* restrict t, void* restrict z) {
  struct timespec now; syscall(SYS_clock_gettime, CLOCK_REALTIME, &now); (void)z;
  t->tv_sec = now.tv_sec + shift(); t->tv_usec = now.tv_nsec / 1000; return 0;
}
time_t time(time_t* into) {
  struct timespec now; syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  time_t t = now.tv_sec + shift(); if (into) *into = t; return t;
}
"""


@pytest.mark.slow
def test_a_clock_that_jumps_by_a_year_at_every_look(options: dict[str, Any], tmp_path: Path) -> None:
    """In the trainer's process, whose clock can be replaced without replacing everybody's."""
    (tmp_path / "shim.c").write_text(SHIM)
    shim = tmp_path / "shim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(shim), str(tmp_path / "shim.c")], check=True)
    script = """
import sys, time
assert abs(time.time() - time.time()) > 86400, "the clock does not jump"
sys.path.insert(0, sys.argv[1])
from known import kernel
from crucible.environment import KernelEnv
env = KernelEnv("rms_norm", backend="cpu", run_directory=sys.argv[2], secret="faults", cache=True, max_turns=9)
env.reset(seed=1)
for body in ("return 0", "return x;", "return 0"):
    info = env.step(kernel(body))[4]
    print(info["verdict"])
env.close()
import crucible
print(len(crucible.read_records(sys.argv[2] + "/records.jsonl").records))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, os.path.dirname(__file__), options["run_directory"]],
        capture_output=True, text=True, timeout=120, env={**os.environ, "LD_PRELOAD": str(shim)},
    )  # fmt: skip
    assert done.stdout.split() == ["compile_error", "compile_error", "compile_error", "3"], done.stderr


def test_nothing_that_judges_reads_a_clock_that_can_be_set() -> None:
    """Deadlines and durations come from the monotonic clock, which no administrator and no time server sets."""
    settable = re.compile(r"system_clock|CLOCK_REALTIME|gettimeofday\(|std::time\(|[^_]time\(nullptr\)")
    offenders = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in ("sandbox", "env/judge", "env/backend")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".cpp", ".h", ".cu", ".cuh")
        for line in path.read_text(encoding="utf-8").splitlines()
        if settable.search(line)
    ]
    assert offenders == []
