"""A policy learns which kernels pay: REINFORCE over the choices of kernel templates, against a random policy.

    python examples/train_template_policy.py                  # four tasks, minutes on two cores
    python examples/train_template_policy.py --backend cuda

Each task has its own policy, a softmax for every choice of the template; some choices make a kernel slow, some make it
wrong. Kernels met again are answered from the result cache.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import learning
from crucible.demo.policy import TemplatePolicy

_GROUP = 4  # kernels between two updates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    learning.add_arguments(parser)
    parser.add_argument("--kernels", type=int, default=64, help="for each task and each policy")
    options = parser.parse_args()
    started = time.monotonic()
    curves: dict[str, tuple[list[float], list[float]]] = {}
    with learning.scorer(options) as scorer:
        for template in learning.templates(options):
            policy, chance = (TemplatePolicy(template.choices, options.seed) for _ in range(2))
            trained: list[float] = []
            random: list[float] = []
            while len(trained) < options.kernels:
                choices = [policy.sample() for _ in range(_GROUP)]
                rewards = learning.judge(scorer, template, choices)
                policy.learn(list(zip(choices, rewards, strict=True)))
                trained += rewards
                random += learning.judge(scorer, template, [chance.sample() for _ in range(_GROUP)])
                print(f"  {template.task} {len(trained):3}: {learning.mean(rewards):.3f}", flush=True)
            curves[template.task] = (trained, random)
            first, last = learning.ends(trained)
            print(
                f"{template.task}: mean reward of the first quarter {first:.3f}, of the last {last:.3f}; random policy "
                f"{learning.mean(random):.3f}; it settles on {template.describe(policy.best())}"
            )
        run = Path(scorer.run_directory)
    everything = [learning.ends(trained) for trained, _ in curves.values()]
    first, last = (learning.mean([pair[i] for pair in everything]) for i in (0, 1))
    chance_mean = learning.mean([learning.mean(random) for _, random in curves.values()])
    print(f"all tasks: {first:.3f} -> {last:.3f} (random policy {chance_mean:.3f}), {time.monotonic() - started:.0f} s")
    if learning.draw(curves, run / "template_policy.png", "REINFORCE over kernel templates"):
        print(f"learning curves: {run / 'template_policy.png'}")


if __name__ == "__main__":
    main()
