from __future__ import annotations

import json
import math
import multiprocessing
import pickle
from pathlib import Path

import pytest

import crucible
from conftest import kernel
from crucible import Evaluation, Record, RewardModel, Speedup, TimedPair, TimingMode, Verdict, WorkloadTiming
from crucible.environment import KernelEnv


def correct(speed: float) -> Evaluation:
    """Facts of a correct kernel, as a judge would state them."""
    facts = Evaluation()
    facts.task = "rms_norm"
    facts.verdict = Verdict.correct
    timing = WorkloadTiming()
    timing.name, timing.dtype, timing.mode = "w", "f32", TimingMode.reveal
    timing.axes = [("rows", 16), ("D", 4096)]
    timing.pairs = [TimedPair(1000.0 / speed + 0.1 * i, 1000.0 / 3 * 3, i % 2, i % 2) for i in range(8)]
    timing.candidate_ns, timing.baseline_ns = 1000.0 / speed, 1000.0
    facts.workloads = [timing]
    s = Speedup()
    s.estimate, s.lower, s.upper, s.pairs, s.mode = speed, speed * 0.97, speed * 1.03, 8, TimingMode.reveal
    facts.speedup = s
    return facts


def record_of(facts: Evaluation, name: str, source: bytes = b"int x;") -> Record:
    model = RewardModel(crucible.load_reward().settings)
    record = Record()
    record.evaluation, record.source, record.id = facts, source, name
    record.settings, record.reward = model.settings, model.score(facts)
    record.time_utc = "2026-01-01T00:00:00Z"
    return record


def test_a_record_survives_its_json_bit_for_bit() -> None:
    before = record_of(correct(1.0 / 3.0 + 1.0), "a", source=b"\xff\x00 not text")
    after = Record.from_json(before.to_json())
    assert after.to_json() == before.to_json()
    assert after.source == before.source
    assert after.evaluation.workloads[0].pairs[3].candidate_ns == before.evaluation.workloads[0].pairs[3].candidate_ns
    assert RewardModel(after.settings).score(after.evaluation).reward == before.reward.reward
    assert pickle.loads(pickle.dumps(before)).to_json() == before.to_json()


def test_unmeasured_values_and_nan_are_null() -> None:
    facts = Evaluation()
    facts.verdict = Verdict.infrastructure_error
    record = record_of(facts, "nan")
    assert math.isnan(record.reward.reward)
    assert json.loads(record.evaluation_json())["reward"] is None
    assert "NaN" not in record.to_json()
    assert math.isnan(Record.from_json(record.to_json()).reward.reward)


def test_a_torn_last_line_is_skipped_and_closed_off(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    crucible.append_record(str(path), record_of(correct(1.5), "one"))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])  # the kill came here
    read = crucible.read_records(str(path))
    assert [r.id for r in read.records] == ["one"]
    assert read.torn == 1
    crucible.append_record(str(path), record_of(correct(1.6), "two"))
    assert [r.id for r in crucible.read_records(str(path)).records] == ["one", "two"]


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_any_cut_loses_only_what_was_not_acknowledged(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "records.jsonl"
    for name in ("one", "two"):
        crucible.append_record(str(path), record_of(correct(1.5), name))
    path.write_bytes(path.read_bytes()[:-cut])
    names = [r.id for r in crucible.read_records(str(path)).records]
    assert names in (["one"], ["one", "two"])
    assert cut == 1 or names == ["one"]


def _append_many(path: str, name: str, count: int) -> None:
    for i in range(count):
        crucible.append_record(path, record_of(correct(1.0 + i / 10), f"{name}-{i}", source=b"x" * 5000))


def test_several_processes_append_to_one_file(tmp_path: Path) -> None:
    path = str(tmp_path / "records.jsonl")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append_many, args=(path, f"p{i}", 25)) for i in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    read = crucible.read_records(path)
    assert read.torn == 0
    assert not read.problems
    assert len({r.id for r in read.records}) == 75


def test_what_was_paid_can_be_paid_again(env: KernelEnv, seed_kernel: str) -> None:
    paid = {}
    for source in (seed_kernel, kernel("return 0;"), "", "no kernel"):
        _, reward, _, _, info = env.step(source)
        paid[info["record_id"]] = reward
    path = Path(env.evaluator.run_directory) / "records.jsonl"
    again = {record.id: reward.reward for record, reward in crucible.rescore(path)}
    for name, reward in paid.items():
        assert again[name] == reward  # the same bits
    binary = {record.id: reward.reward for record, reward in crucible.rescore(path, "binary")}
    assert binary.keys() == again.keys()
    assert binary != again


def test_a_python_model_reads_every_fact() -> None:
    facts = correct(2.0)
    facts.verdict = Verdict.wrong_result
    facts.speedup = None
    family = crucible.FamilyOutcome()
    family.family, family.cases, family.passed = "normal", 4, 4
    facts.families = [family]
    assert facts.passed_share == 1.0
    price = RewardModel(crucible.load_reward().settings).score(facts)
    assert price.reward == pytest.approx(0.15)
