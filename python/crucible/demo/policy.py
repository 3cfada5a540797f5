"""REINFORCE over the choices of a template: a softmax per choice, a running baseline, nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class TemplatePolicy:
    """Independent categorical distributions, one per choice, moved towards what paid more than usual."""

    def __init__(self, choices: Mapping[str, tuple[str, ...]], seed: int, learning_rate: float = 1.5) -> None:
        self.choices = dict(choices)
        self.learning_rate = learning_rate
        self._random = np.random.default_rng(seed)
        self._logits = {name: np.zeros(len(values)) for name, values in choices.items()}
        self._baseline: float | None = None
        self._spread = 0.1

    def probabilities(self, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        weights = np.exp(self._logits[name] - self._logits[name].max())
        shares: np.ndarray[Any, np.dtype[np.float64]] = weights / weights.sum()
        return shares

    def sample(self) -> dict[str, str]:
        return {
            name: values[int(self._random.choice(len(values), p=self.probabilities(name)))]
            for name, values in self.choices.items()
        }

    def learn(self, group: Sequence[tuple[Mapping[str, str], float]]) -> None:
        """One step of gradient ascent on a group of (choice, reward). A NaN reward is no sample."""
        scored = [(choice, reward) for choice, reward in group if math.isfinite(reward)]
        if not scored:
            return
        rewards = np.array([reward for _, reward in scored])
        if self._baseline is None:
            self._baseline = float(rewards.mean())
        gradients = {name: np.zeros_like(logits) for name, logits in self._logits.items()}
        for choice, reward in scored:
            advantage = (reward - self._baseline) / self._spread
            for name, values in self.choices.items():
                one_hot = np.zeros(len(values))
                one_hot[values.index(choice[name])] = 1.0
                gradients[name] += advantage * (one_hot - self.probabilities(name)) / len(scored)
        for name, gradient in gradients.items():
            self._logits[name] += self.learning_rate * gradient
        self._baseline += 0.3 * (float(rewards.mean()) - self._baseline)
        self._spread = max(0.7 * self._spread + 0.3 * float(rewards.std()), 0.02)

    def best(self) -> dict[str, str]:
        """The likeliest choice."""
        return {name: values[int(self._logits[name].argmax())] for name, values in self.choices.items()}
