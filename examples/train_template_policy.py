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
    templates = learning.templates(options)
    policies = [TemplatePolicy(template.choices, options.seed) for template in templates]
    chances = [TemplatePolicy(template.choices, options.seed + 1) for template in templates]
    curves: dict[str, tuple[list[float], list[float]]] = {template.task: ([], []) for template in templates}
    with learning.scorer(options) as scorer:
        for done in range(_GROUP, options.kernels + _GROUP, _GROUP):
            # A group of each task's policy and of a random one: everything is judged at once.
            chosen = [[speaker.sample() for _ in range(_GROUP)] for speaker in (*policies, *chances)]
            asked = [(t, choice) for t, group in zip(templates * 2, chosen, strict=True) for choice in group]
            rewards = learning.judge(scorer, asked)
            groups = [rewards[i : i + _GROUP] for i in range(0, len(rewards), _GROUP)]
            for i, template in enumerate(templates):
                policies[i].learn(list(zip(chosen[i], groups[i], strict=True)))
                curves[template.task][0].extend(groups[i])
                curves[template.task][1].extend(groups[i + len(templates)])
            means = (f"{template.task} {learning.mean(groups[i]):.3f}" for i, template in enumerate(templates))
            print(f"  kernels {done:3}: {', '.join(means)}", flush=True)
        for policy, (task, (trained, random)) in zip(policies, curves.items(), strict=True):
            first, last = learning.ends(trained)
            best = " ".join(f"{name}={value}" for name, value in policy.best().items())
            print(f"{task}: {first:.3f} -> {last:.3f}, random policy {learning.mean(random):.3f}; it settles on {best}")
        run = Path(scorer.run_directory)
    everything = [learning.ends(trained) for trained, _ in curves.values()]
    first, last = (learning.mean([pair[i] for pair in everything]) for i in (0, 1))
    chance_mean = learning.mean([learning.mean(random) for _, random in curves.values()])
    print(f"all tasks: {first:.3f} -> {last:.3f} (random policy {chance_mean:.3f}), {time.monotonic() - started:.0f} s")
    if learning.draw(curves, run / "template_policy.png", "REINFORCE over kernel templates"):
        print(f"learning curves: {run / 'template_policy.png'}")


if __name__ == "__main__":
    main()
