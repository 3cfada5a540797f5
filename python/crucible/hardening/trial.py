"""One hostile program against its honest twin: what each was paid, and whether anything went wrong."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, field

from crucible._core import Evaluation, RewardModel, Verdict
from crucible.configuration import load_reward
from crucible.evaluator import Evaluator
from crucible.hardening.programs import Attack
from crucible.hardening.residue import Residue

#: Below these a gain is noise of short measurements.
TOLERATED_GAIN = 1.05
TOLERATED_REWARD = 0.01
#: What an honest failure is paid at most: wrong in something, right in all the rest.
_HONEST_FAILURE = 0.15
_REPEATS = 3


@dataclass
class Outcome:
    """What became of one attack."""

    attack: Attack
    verdict: str
    reward: float
    twin_reward: float
    findings: tuple[str, ...]
    seconds: float
    gain: float = math.nan  #: speedup of the attack over its twin's, where both were timed
    complaints: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        gain = "" if math.isnan(self.gain) else f" gain {self.gain:.2f}"
        found = f" [{', '.join(self.findings)}]" if self.findings else ""
        text = f"{self.attack.name:45} {self.verdict:20} {self.reward:+.3f} (twin {self.twin_reward:+.3f}){gain}{found}"
        return text + f" {self.seconds:.1f} s" + "".join(f"\n    ! {each}" for each in self.complaints)


class Trial:
    """Evaluates attacks and twins with one evaluator and the default reward. Not thread-safe."""

    def __init__(self, evaluator: Evaluator, seed: int = 11) -> None:
        self._evaluator = evaluator
        self._model = RewardModel(load_reward("default").settings)
        self._seed = seed
        self._twins: dict[tuple[str, str], Evaluation] = {}

    def evaluate(self, task: str, source: str) -> Evaluation:
        self._seed += 1
        return self._evaluator.evaluate(task, source, seed=self._seed, use_cache=False)

    def reward(self, evaluation: Evaluation) -> float:
        return float(self._model.score(evaluation).reward)

    def twin(self, attack: Attack) -> Evaluation:
        """Measured once per text; `again` measures it anew."""
        key = (attack.task, attack.twin)
        if key not in self._twins:
            self._twins[key] = self.evaluate(attack.task, attack.twin)
        return self._twins[key]

    def run(self, attack: Attack) -> Outcome:
        """Evaluates the attack and compares. An empty list of complaints is what everybody hopes for."""
        twin = self.twin(attack)
        residue = Residue()
        begin = time.monotonic()
        evaluation = self.evaluate(attack.task, attack.source)
        seconds = time.monotonic() - begin
        outcome = Outcome(
            attack,
            evaluation.verdict.name,
            self.reward(evaluation),
            self.reward(twin),
            tuple(dict.fromkeys(finding.kind for finding in evaluation.findings)),
            seconds,
        )
        complain = outcome.complaints.append
        if twin.verdict is not Verdict.correct:
            complain(f"its twin is {twin.verdict.name}: {twin.explanation}")
        if outcome.verdict not in attack.allow:
            allowed = ", ".join(sorted(attack.allow))
            complain(f"allowed: {allowed}; said: {evaluation.explanation[:300]} {evaluation.diagnostics[:300]}")
        if "-" not in attack.findings and not attack.findings & set(outcome.findings):
            complain(f"no finding of {', '.join(sorted(attack.findings))}")
        if seconds > attack.within:
            complain(f"took {seconds:.0f} s, more than {attack.within:.0f} s")
        if attack.absent:
            shown = "\n".join([evaluation.diagnostics, evaluation.explanation, getattr(evaluation, "output", "")])
            leak = re.search(attack.absent, shown)
            if leak:
                complain(f"shows '{leak.group(0)[:80]}'")
        if evaluation.verdict is Verdict.correct:
            self._compare(attack, evaluation, twin, outcome)
        elif not outcome.reward <= _HONEST_FAILURE + 1e-9:  # NaN complains too
            complain(f"paid {outcome.reward:+.3f}, more than an honest failure")
        outcome.complaints += [f"left behind: {each}" for each in residue.found()]
        return outcome

    def honest_next(self, attack: Attack) -> list[str]:
        """Complaints about an honest kernel evaluated after the attack."""
        after = self.evaluate(attack.task, attack.twin)
        if after.verdict is Verdict.correct:
            return []
        return [f"an honest kernel evaluated next is {after.verdict.name}: {after.explanation[:200]}"]

    def _compare(self, attack: Attack, evaluation: Evaluation, twin: Evaluation, outcome: Outcome) -> None:
        """A gain counts when it is seen in every repetition, each against a twin measured next to it."""
        for repeat in range(_REPEATS):
            if repeat > 0:
                twin = self._twins[(attack.task, attack.twin)] = self.evaluate(attack.task, attack.twin)
                evaluation = self.evaluate(attack.task, attack.source)
            if evaluation.verdict is not Verdict.correct or evaluation.speedup is None or twin.speedup is None:
                return
            outcome.gain = evaluation.speedup.estimate / twin.speedup.estimate
            outcome.reward, outcome.twin_reward = self.reward(evaluation), self.reward(twin)
            if outcome.gain <= TOLERATED_GAIN or outcome.reward <= outcome.twin_reward + TOLERATED_REWARD:
                return
        outcome.complaints.append(f"paid above its twin: {outcome.gain:.2f} times as fast in {_REPEATS} of {_REPEATS}")
