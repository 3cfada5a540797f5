"""No space left: an error that says so, a true verdict, and no half line; with room again the turn goes through."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import crucible
from crucible.environment import KernelEnv
from faults.known import Known

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system: needs root")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True)
    if done.returncode != 0:
        pytest.skip("this container may not mount")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(b"\0" * 4096)
        except OSError:
            return ballast


def test_a_full_disk_loses_no_step(small_disk: Path, options: dict[str, Any], kernels: dict[str, Known]) -> None:
    env = KernelEnv("rms_norm", max_turns=100, **{**options, "run_directory": str(small_disk / "run"), "cache": True})
    try:
        env.reset(seed=1)
        assert env.step(kernels["no_compile"].source)[4]["verdict"] == "compile_error"
        records = small_disk / "run" / "records.jsonl"
        whole = records.read_bytes()
        ballast = fill(small_disk)
        with pytest.raises((crucible.ConfigError, OSError), match="No space left"):
            env.step(kernels["wrong"].source)
        assert records.read_bytes() == whole  # no half line
        ballast.unlink()
        info = env.step(kernels["wrong"].source)[4]
        assert info["verdict"] == "wrong_result"
        assert info["turn"] == 1  # the turn whose record could not be kept
        assert len(crucible.read_records(str(records)).records) == 2
    finally:
        env.close()


@pytest.mark.slow
def test_a_full_cache_costs_speed_not_truth(
    small_disk: Path, options: dict[str, Any], kernels: dict[str, Known], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(small_disk / "cache"))
    (small_disk / "cache" / "crucible").mkdir(parents=True)
    fill(small_disk)
    with crucible.Evaluator(**options) as evaluator:
        assert evaluator.evaluate("rms_norm", kernels["wrong"].source).verdict.name == "wrong_result"


STEP = """
import sys
sys.path.insert(0, sys.argv[1])
from known import kernel
from crucible.environment import KernelEnv
env = KernelEnv("rms_norm", backend="cpu", run_directory=sys.argv[2], secret="faults", cache=False)
env.reset(seed=1)
_, reward, _, _, info = env.step(kernel("return 0;"))
print(info["verdict"], reward)
env.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("level", ["full", "container"])
def test_no_room_for_temporary_files(options: dict[str, Any], level: str) -> None:
    """/tmp is full, in a mount namespace of its own; a jail that has no private root needs a folder there."""
    script = 'mount -t tmpfs -o size=16k tmpfs /tmp && { cat /dev/zero > /tmp/ballast || true; } 2>/dev/null; exec "$@"'
    run = Path(__file__).parents[2] / "build" / "faults"
    run.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", sys.executable, "-c", STEP,
         os.path.dirname(__file__), str(run)],
        capture_output=True, text=True, env={**os.environ, "CRUCIBLE_SANDBOX_LEVEL": level},
    )  # fmt: skip
    if "unshare" in done.stderr and done.returncode != 0:
        pytest.skip("this container has no mount namespaces")
    verdict, reward = done.stdout.split()
    if verdict == "infrastructure_error":
        assert math.isnan(float(reward))
    else:
        assert verdict == "wrong_result", done.stderr
