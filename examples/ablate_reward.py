"""What would other reward designs have paid? Re-scores a run's records with a grid of configurations; runs no kernel.

python examples/ablate_reward.py RUN_DIRECTORY
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from pathlib import Path

import crucible

DESIGNS = {
    "default": ("default", {}),
    "no novelty": ("default", {"novelty.enabled": "false"}),
    "binary": ("binary", {}),
    "kernelbench": ("kernelbench_fast_p", {}),
    "kevin": ("kevin_paper", {}),
}


def main(run: str) -> None:
    records = crucible.read_records(str(Path(run) / "records.jsonl")).records
    if not records:
        sys.exit(f"{run}: no records; make some with `crucible demo --run {run}`")
    table: dict[str, dict[str, float]] = defaultdict(dict)
    for name, (configuration, changes) in DESIGNS.items():
        for record, reward in crucible.rescore(records, configuration, changes):
            table[record.id][name] = reward.reward
    print(f"{'task':14}{'verdict':22}" + "".join(f"{name:>13}" for name in DESIGNS))
    for record in records:
        row = table[record.id]
        print(
            f"{record.evaluation.task:14}{record.evaluation.verdict.name:22}"
            + "".join(f"{row[name]:13.3f}" for name in DESIGNS)
        )
    for name in DESIGNS:
        paid = [row[name] for row in table.values() if math.isfinite(row[name])]
        mean = sum(paid) / len(paid)
        spread = math.sqrt(sum((x - mean) ** 2 for x in paid) / len(paid))
        print(f"{name:14} mean {mean:6.3f}, spread {spread:6.3f}: what a group's advantages are made of")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs/demo")
