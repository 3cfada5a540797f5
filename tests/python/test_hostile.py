"""Attacks on the environment: each against its honest twin, through the whole product."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import crucible
from crucible.hardening import Attack, Campaign, Residue, Trial, compose, load_attacks
from crucible.hardening.campaign import TASKS
from crucible.hardening.ingredients import DISGUISES, TRICKS, TRIGGERS

ROOT = Path(__file__).parents[1] / "hostile"
ATTACKS = load_attacks(ROOT)
SAMPLE = 14
SEED = 20
#: Rows of the catalogue that a cpu candidate or its source can try (the others concern GPUs or the reward's own code).
CPU_ROWS = [*range(1, 11), "10a", "10b", "10c", *range(11, 40), 41, 42, 43, 45]


def _parameters() -> list[object]:
    """A seeded sample runs always, the rest in `make soak`."""
    sample = set(random.Random(SEED).sample([attack.name for attack in ATTACKS], SAMPLE))
    return [
        pytest.param(attack, id=attack.name, marks=() if attack.name in sample else pytest.mark.slow)
        for attack in ATTACKS
    ]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with crucible.Evaluator(
        backend="cpu",
        run_directory=str(tmp_path_factory.mktemp("hostile")),
        secret="hostile suite",
        time_budget_seconds=0.6,
        write_records=False,
    ) as evaluator:
        yield Trial(evaluator)


@pytest.mark.parametrize("attack", _parameters())
def test_nothing_false_pays(trial: Trial, attack: Attack) -> None:
    outcome = trial.run(attack)
    assert not outcome.complaints, outcome.line


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_an_honest_kernel_is_judged_alike_after_the_worst(trial: Trial, task: str) -> None:
    worst = re.compile(r"own_|r0[18]|r3[0-8]")
    complaints = []
    for attack in random.Random(SEED).sample([a for a in ATTACKS if a.task == task and worst.search(a.name)], 6):
        trial.run(attack)
        complaints += [f"after {attack.name}: {each}" for each in trial.honest_next(attack)]
    assert not complaints


def test_every_row_of_the_catalogue_is_tried() -> None:
    rows = {attack.row for attack in ATTACKS}
    assert {str(row) for row in CPU_ROWS} <= rows
    assert sum(attack.row == "own" for attack in ATTACKS) >= 20


def test_an_attack_differs_from_its_twin_and_says_what_must_happen() -> None:
    verdicts = set(crucible.Verdict.__members__)
    for attack in ATTACKS:
        assert attack.source != attack.twin, attack.name
        assert attack.allow <= verdicts, attack.name
        assert "infrastructure_error" not in attack.allow, attack.name


@pytest.mark.parametrize("task", TASKS)
def test_an_honest_campaign_is_quiet_and_a_cheating_one_is_not_paid(trial: Trial, task: str) -> None:
    """Two compositions: one whose trigger never fires, one that skips its work."""
    never = next(t for t in TRIGGERS if t.name == "after_silence")
    always = next(t for t in TRIGGERS if t.name == "always")
    hide = next(t for t in TRICKS if t.name == "hide")
    skip = next(t for t in TRICKS if t.name == "skip")
    quiet = trial.run(compose(task, never, hide, DISGUISES[0], ROOT / "parts"))
    assert quiet.verdict == "correct", quiet.line
    caught = trial.run(compose(task, always, skip, DISGUISES[-1], ROOT / "parts"))
    assert caught.verdict == "wrong_result", caught.line
    assert caught.reward < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_a_campaign_of_composed_attacks(tmp_path: Path, task: str) -> None:
    campaign = Campaign(task)
    with crucible.Evaluator(
        backend="cpu", run_directory=str(tmp_path), secret="campaign", time_budget_seconds=0.5, write_records=False
    ) as evaluator:
        campaign.run(evaluator, attacks=60, seed=SEED)
    assert not campaign.got_through, campaign.summary()


def test_residue_is_seen(tmp_path: Path) -> None:
    """The look for leftovers is able to find one."""
    residue = Residue()
    planted = Path("/dev/shm") / f"crucible-test-{tmp_path.name}"
    planted.write_text("left")
    try:
        assert residue.found() == [f"file {planted}"]
    finally:
        planted.unlink()
    assert residue.found() == []


def test_a_header_that_states_no_outcome_is_refused(tmp_path: Path) -> None:
    from crucible.hardening.programs import load_attack

    program = tmp_path / "x.cpp"
    program.write_text("// attack: something\n// row: 1\nint x;\n")
    with pytest.raises(ValueError, match="task"):
        load_attack(program)
    program.write_text("// attack: something\n// outcome: none\n")
    with pytest.raises(ValueError, match="outcome"):
        load_attack(program)
