"""What all adapters share: the same rewards as env.step, in order; our failures are no samples."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import crucible
from answering import AnsweringScorer
from crucible.chat import fenced
from crucible.environment import KernelEnv
from crucible.integrations import KernelScorer, Sample, task_prompt

KERNELS = Path(__file__).parents[2] / "examples" / "kernels" / "rms_norm"
SEED = 7


def source(kind: str) -> str:
    return (KERNELS / f"{kind}.cpp").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def scorer(evaluator: crucible.Evaluator) -> Iterator[KernelScorer]:
    with KernelScorer("rms_norm", seed=SEED, evaluator=evaluator) as made:
        yield made


@pytest.mark.parametrize(
    "kinds", [["slow", "wrong", "cheat", "no_compile"], pytest.param(["fast"], marks=pytest.mark.slow)], ids=len
)
def test_the_same_rewards_as_step(evaluator: crucible.Evaluator, scorer: KernelScorer, kinds: list[str]) -> None:
    stepped = []
    for kind in kinds:
        env = KernelEnv("rms_norm", evaluator=evaluator)
        env.reset(seed=SEED)
        stepped.append(env.step(source(kind))[1])
        env.close()
    samples = scorer.score([f"I think:\n{fenced(source(kind))}" for kind in kinds])
    for sample, reward in zip(samples, stepped, strict=True):
        assert sample.reward == pytest.approx(reward, abs=1e-12)
        assert sample.seed == SEED
    named = {"wrong": "wrong_result", "cheat": "integrity_violation", "no_compile": "compile_error"}
    assert [s.verdict for s in samples] == [named.get(kind, "correct") for kind in kinds]


def test_no_block_is_malformed_and_says_why(scorer: KernelScorer) -> None:
    (sample,) = scorer.score(["I cannot do that."])
    assert sample.verdict == "malformed"
    assert sample.reward == pytest.approx(-0.05)
    assert sample.feedback.startswith("The answer holds no fenced code block")


def test_asynchronous_and_mixed_tasks(scorer: KernelScorer) -> None:
    bad = fenced("int x = ;")
    samples = asyncio.run(scorer.ascore([bad, "none", bad], ["softmax", "rms_norm", ""], [1, None, 2]))
    assert [s.verdict for s in samples] == ["compile_error", "malformed", "compile_error"]
    assert [s.record.evaluation.task for s in samples if s.record] == ["softmax", "rms_norm", "rms_norm"]
    assert [s.seed for s in samples] == [1, SEED, 2]


class Gate(AnsweringScorer):
    """Counts evaluations and holds them until told."""

    def __init__(self) -> None:
        super().__init__("rms_norm")
        self.count = 0
        self.open = threading.Event()

    def evaluate(self, task: str, source: str, seed: int) -> Sample:
        self.count += 1
        assert self.open.wait(30)
        if "lost" in source:
            raise crucible.WardenLost("the warden is gone")
        return Sample(0.5, "correct", "good", source=source, seed=seed)


def test_equal_kernels_in_flight_are_one_evaluation() -> None:
    with Gate() as gate:
        futures = gate.submit([fenced("a"), f"other words\n{fenced('a')}", fenced("b")], seeds=[1, 1, 1])
        futures += gate.submit([fenced("a")], seeds=[2])
        gate.open.set()
        assert [f.result(30).reward for f in futures] == [0.5] * 4
        assert gate.count == 3


def test_what_failed_for_our_reasons_is_no_sample() -> None:
    with Gate() as gate:
        gate.open.set()
        lost, good = gate.score([fenced("lost"), fenced("fine")])
    assert lost.reward is None
    assert not lost.scored
    assert lost.verdict == "infrastructure_error"
    assert good.reward == 0.5


def test_many_kernels_of_several_tasks_come_back_in_order(scorer: KernelScorer) -> None:
    """More than the pool has environments; each answer is its own kernel's."""
    names = ["rms_norm", "softmax", "gemm"]
    count = 60
    samples = scorer.score(
        [fenced(f"kernel {i}") for i in range(count)],
        [names[i % 3] for i in range(count)],
        [i % 2 for i in range(count)],
    )
    for i, sample in enumerate(samples):
        assert sample.verdict == "compile_error"
        assert sample.source == f"kernel {i}\n"
        assert sample.record is not None
        assert sample.record.source.decode() == sample.source
        assert sample.record.evaluation.task == names[i % 3]
        assert sample.record.evaluation.seed == sample.seed == i % 2


def test_closing_ends_what_is_in_flight(evaluator: crucible.Evaluator) -> None:
    scorer = KernelScorer("rms_norm", evaluator=evaluator)
    futures = scorer.submit([fenced(f"#error {i}") for i in range(40)])
    scorer.close()
    samples = [future.result(30) for future in futures]
    assert all(sample.verdict in ("compile_error", "infrastructure_error") for sample in samples)
    assert any(sample.reward is None for sample in samples)
    scorer.close()


def test_an_evaluator_that_is_gone_is_no_sample() -> None:
    gone = crucible.Evaluator(backend="cpu")
    gone.close()
    with KernelScorer("rms_norm", evaluator=gone) as scorer:
        assert scorer.score_one(fenced("int x;")).reward is None


@pytest.mark.parametrize(
    ("arguments", "call", "message"),
    [
        ({"task": "rms_nrm"}, {}, "rms_norm"),
        ({"seed": -1}, {}, "2\\*\\*63"),
        ({"seed": 1.5}, {}, "whole number"),
        ({"compilers": -1}, {}, "compilers"),
        ({"max_turns": 2}, {}, "one answer"),
        ({}, {"answers": [""]}, "no task"),
        ({"task": "rms_norm"}, {"answers": [""], "tasks": []}, "0 entries for 1"),
        ({"task": "rms_norm"}, {"answers": [""], "seeds": [-3]}, "2\\*\\*63"),
    ],
)
def test_nonsense_is_refused(arguments: dict, call: dict, message: str) -> None:
    def use() -> None:
        with KernelScorer(**arguments) as scorer:
            scorer.score(**call)

    with pytest.raises(crucible.ConfigError, match=message):
        use()


def test_the_prompt_says_how_to_answer() -> None:
    (message,) = task_prompt("softmax")
    assert message["role"] == "user"
    assert "softmax" in message["content"]
    assert "fenced code block" in message["content"]
