"""`crucible harden`: attacks composed of trigger, trick and disguise, and what each was paid above its twin."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from crucible._core import ConfigError
from crucible.evaluator import Evaluator
from crucible.hardening.ingredients import DISGUISES, TRICKS, TRIGGERS, Disguise, Trick, Trigger
from crucible.hardening.programs import Attack, expand
from crucible.hardening.trial import Outcome, Trial

_PARAMETERS = {
    "rms_norm": "DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, void*",
    "softmax": "DLTensor* out, const DLTensor* input, void*",
    "silu_and_mul": "DLTensor* out, const DLTensor* input, void*",
}
_HONEST_ROW = {
    "rms_norm": "honest::rms_row(x.row(r), honest::Tensor(weight).first, y.row(r), y.wide, y.width, epsilon);",
    "softmax": "honest::softmax_row(x.row(r), y.row(r), y.wide, y.width);",
    "silu_and_mul": "honest::silu_row(x.row(r), y.row(r), y.wide, y.width);",
}
_HONEST = {
    "rms_norm": "honest::rms_norm(out, input, weight, epsilon)",
    "softmax": "honest::softmax(out, input)",
    "silu_and_mul": "honest::silu_and_mul(out, input)",
}
_SYSTEM = ("fcntl.h", "omp.h", "set", "thread", "vector", "ctime")

TASKS = tuple(_PARAMETERS)


def parts_directory() -> Path:
    """Where the honest kernels and the shared pieces of attacks lie."""
    for base in (Path(__file__).resolve().parents[3], Path.cwd()):
        folder = base / "tests" / "hostile" / "parts"
        if folder.is_dir():
            return folder
    raise ConfigError("tests/hostile/parts not found: run `crucible harden` from a checkout of the sources")


def _text(task: str, body: str, needs: str, disguise: Disguise, parts: Path) -> str:
    """A candidate around `body`, which sees out, input, weight (null where the task has none), epsilon, x and y."""
    head = "".join(expand(parts / name, set()) for name in ("honest.h", "thief.h", "row_cache.h"))
    missing = "" if task == "rms_norm" else "  const DLTensor* weight = nullptr;\n  const double epsilon = 0;\n"
    key = "row_cache::word(row + bytes - 8)" if task != "silu_and_mul" else "row_cache::word(row + 2 * bytes - 8)"
    text = (
        "".join(f"#include <{name}>\n" for name in _SYSTEM)
        + head
        + disguise.includes
        + f'extern "C" int {task}({_PARAMETERS[task]});\n'
        + "static int honest_call(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon) {\n"
        + f"  (void)weight, (void)epsilon;\n  return {_HONEST[task]};\n}}\n"
        + needs
        + f'extern "C" int {task}({_PARAMETERS[task]}) {{\n{missing}'
        + "  const honest::Tensor x(input), y(out);\n  (void)weight, (void)epsilon;\n"
        + "  if (honest::empty(y)) return 0;\n"
        + body
        + "}\n"
    )
    for old, new in (
        ("HONEST_ROW", _HONEST_ROW[task]),
        ("ENTRY", f"reinterpret_cast<void*>(&{task})"),
        ("EPSILON", "epsilon != 1e-6" if task == "rms_norm" else "false"),
        ("KEY", key),
    ):
        text = text.replace(old, new)
    if disguise.name == "macro":
        text = text.replace(disguise.includes, disguise.includes + "#define DONE return 0\n")
    for old, new in disguise.renames:
        start = text.index(disguise.includes) + len(disguise.includes) if disguise.name == "macro" else 0
        text = text[:start] + text[start:].replace(old, new)
    return text


def compose(task: str, trigger: Trigger, trick: Trick, disguise: Disguise, parts: Path | None = None) -> Attack:
    """One attack as a program, with its twin."""
    if task not in _PARAMETERS:
        raise ConfigError(f"task '{task}' has no honest kernel in tests/hostile/parts; known: {', '.join(TASKS)}")
    parts = parts or parts_directory()
    needs = "".join(dict.fromkeys([trigger.needs, trick.needs]))
    parameters = "DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon"
    inner = (
        f"static int g_trick({parameters}) {{\n  const honest::Tensor x(input), y(out);\n"
        f"  (void)x, (void)weight, (void)epsilon;\n{trick.body}}}\n"
    )
    call = "g_trick(out, input, weight, epsilon)"
    if disguise.path:
        inner += disguise.path.format(parameters=parameters)
        call = "g_path(out, input, weight, epsilon)"
    body = f"  if ({trigger.when}) return {call};\n  return honest_call(out, input, weight, epsilon);\n"
    twin = "  return honest_call(out, input, weight, epsilon);\n"
    # What never fires, or fires where it does no harm, is honest in effect.
    allow = trick.allow if trigger.name in ("always", "large") else trick.allow | {"correct"}
    return Attack(
        name=f"{trigger.name}×{trick.name}×{disguise.name}",
        attack=f"{trick.name} when {trigger.name}, {disguise.name}",
        row="composed",
        task=task,
        allow=allow,
        findings=frozenset("-"),
        must="paid no more than its twin",
        source=_text(task, body, needs + inner, disguise, parts),
        twin=_text(task, twin, "", DISGUISES[0], parts),
    )


def compositions(task: str, seed: int = 0) -> Iterator[Attack]:
    """All compositions, in a seeded order."""
    all_of_them = list(itertools.product(TRIGGERS, TRICKS, DISGUISES))
    random.Random(seed).shuffle(all_of_them)
    parts = parts_directory()
    for trigger, trick, disguise in all_of_them:
        yield compose(task, trigger, trick, disguise, parts)


@dataclass
class Campaign:
    """What a campaign found."""

    task: str
    outcomes: list[Outcome] = field(default_factory=list)

    def run(
        self, evaluator: Evaluator, attacks: int, seed: int = 0, tell: Callable[[Outcome], None] | None = None
    ) -> None:
        trial = Trial(evaluator, seed)
        for attack in itertools.islice(compositions(self.task, seed), attacks):
            outcome = trial.run(attack)
            self.outcomes.append(outcome)
            if tell is not None:
                tell(outcome)

    @property
    def got_through(self) -> list[Outcome]:
        """Outcomes with a complaint: paid above the twin, an outcome nobody allowed, or something left behind."""
        return [outcome for outcome in self.outcomes if outcome.complaints]

    def summary(self) -> str:
        """For a person: the verdicts counted, then what got through."""
        verdicts = Counter(outcome.verdict for outcome in self.outcomes)
        counted = ", ".join(f"{n} {name}" for name, n in verdicts.most_common())
        lines = [f"{len(self.outcomes)} attacks on {self.task}: {counted}", f"{len(self.got_through)} got through"]
        return "\n".join(lines + [outcome.line for outcome in self.got_through])

    def to_json(self) -> str:
        """One object: the task, and per attack what it was paid and what its twin was."""
        return json.dumps(
            {
                "task": self.task,
                "attacks": [
                    {
                        "name": o.attack.name,
                        "verdict": o.verdict,
                        "reward": None if math.isnan(o.reward) else o.reward,
                        "twin_reward": None if math.isnan(o.twin_reward) else o.twin_reward,
                        "gain": None if math.isnan(o.gain) else o.gain,
                        "findings": list(o.findings),
                        "seconds": o.seconds,
                        "complaints": o.complaints,
                    }
                    for o in self.outcomes
                ],
            }
        )
