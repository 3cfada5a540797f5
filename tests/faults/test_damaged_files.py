"""Cache entries, calibrations and records that a crash or a disk has damaged: never a false verdict or speed."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import crucible
from crucible.environment import KernelEnv
from faults.known import SOAK, Known

SEED = 22
DAMAGES = 60 if SOAK else 12


def damages(text: bytes, count: int, choose: random.Random) -> Iterator[bytes]:
    """Ways in which a file can be broken: cut, zeroed, a bit or a digit changed, a piece twice, something else."""
    yield b""
    yield b"\0" * len(text)
    yield b"{}"
    yield b"null"
    yield text[: len(text) // 2]
    for _ in range(count - 5):
        broken = bytearray(text)
        at = choose.randrange(len(broken))
        kind = choose.randrange(4)
        if kind == 0:
            broken[at] ^= 1 << choose.randrange(8)
        elif kind == 1:
            digits = [i for i, byte in enumerate(broken) if chr(byte).isdigit()]
            at = choose.choice(digits)
            broken[at] = ord(choose.choice([d for d in "0123456789" if ord(d) != broken[at]]))
        elif kind == 2:
            del broken[at:]
        else:
            broken[at:at] = broken[at : at + 40]
        if bytes(broken) != text:
            yield bytes(broken)


def test_a_damaged_cache_entry_is_made_again(options: dict[str, Any], kernels: dict[str, Known]) -> None:
    """Whatever happened to the file, the evaluation is what it was: never another verdict, reward or diagnosis."""
    run = Path(options["run_directory"])
    where = {**options, "cache": True}
    source = kernels["no_compile"].source
    with crucible.Evaluator(**where) as evaluator:
        truth = evaluator.evaluate("rms_norm", source)
    (entry,) = (run / "cache").glob("*.json")
    whole = entry.read_bytes()
    for broken in damages(whole, DAMAGES, random.Random(SEED)):
        entry.write_bytes(broken)
        with crucible.Evaluator(**where) as evaluator:
            again = evaluator.evaluate("rms_norm", source)
        assert not again.cached, broken
        assert again.verdict is truth.verdict
        assert again.diagnostics == truth.diagnostics
        assert again.source_sha256 == truth.source_sha256
    with crucible.Evaluator(**where) as evaluator:
        assert evaluator.evaluate("rms_norm", source).cached  # mended by the evaluation that was made again
    entry.unlink()
    entry.mkdir()  # not even a file
    with crucible.Evaluator(**where) as evaluator:
        assert evaluator.evaluate("rms_norm", source).verdict is truth.verdict


@pytest.mark.slow
def test_a_damaged_calibration_is_made_again(
    options: dict[str, Any], kernels: dict[str, Known], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is never taken for a baseline's time: whatever is wrong with the file, the next judge measures anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with crucible.Evaluator(**options) as evaluator:
        evaluator.warm("rms_norm")
    (file,) = (tmp_path / "cache" / "crucible").glob("calibration-rms_norm-*.json")
    whole = file.read_bytes()
    for broken in damages(whole, 8, random.Random(SEED)):
        file.write_bytes(broken)
        with crucible.Evaluator(**options) as evaluator:
            assert evaluator.evaluate("rms_norm", kernels["wrong"].source).verdict.name == "wrong_result"
        digest, body = file.read_bytes().split(b"\n", 1)
        assert hashlib.sha256(body).hexdigest().encode() == digest, broken
        assert json.loads(body).keys() == json.loads(whole.split(b"\n", 1)[1]).keys()


def test_a_cut_record_costs_that_record_only(env: KernelEnv, kernels: dict[str, Known], tmp_path: Path) -> None:
    for name in ("no_compile", "wrong", "no_compile"):
        env.step(kernels[name].source)
    records = tmp_path / "run" / "records.jsonl"
    whole = records.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    for cut in random.Random(SEED).sample(range(last + 1, len(whole) - 2), 6):
        records.write_bytes(whole[:cut])
        assert env.step(kernels["no_compile"].source)[4]["verdict"] == "compile_error"
        read = crucible.read_records(str(records))
        assert [r.evaluation.verdict.name for r in read.records] == ["compile_error", "wrong_result", "compile_error"]
        assert read.torn == 1
        assert read.problems == []
        assert len(list(crucible.rescore(str(records), "binary"))) == 3
    for line in records.read_bytes().splitlines():
        if line.endswith(b"}"):
            json.loads(line)
