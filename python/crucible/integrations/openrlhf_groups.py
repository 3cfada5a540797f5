"""OpenRLHF's group baselines, over the samples that have a reward.

OpenRLHF has no way of its own to say "no sample": a reward of None is taken for "ask the reward model", and a NaN
spoils its group. install() teaches its experience maker to leave samples with NaN out. It must run in the Ray workers:

    ray job submit --runtime-env-json \
        '{"worker_process_setup_hook": "crucible.integrations.openrlhf_groups.install"}' …
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import math
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

_MODULE = "openrlhf.trainer.ppo_utils.experience_maker"
_PENALTIES = ("overlong_buffer_len", "stop_properly_penalty_coef")
_GROUPED = ("rloo", "reinforce_baseline", "dr_grpo", "group_norm")  # estimators that compare the answers to one prompt


def install() -> None:
    """Teaches this process's OpenRLHF to leave samples with NaN rewards out of their groups. Idempotent.

    Imports nothing of OpenRLHF before it is used: most Ray workers never need its experience maker.
    """
    if _MODULE in sys.modules:
        _teach(sys.modules[_MODULE])
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Waits for the experience maker's module and teaches it as soon as it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: types.ModuleType) -> None:
                load(module)
                _teach(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _teach(module: types.ModuleType) -> None:
    maker = module.RemoteExperienceMaker
    if not hasattr(maker.compute_advantages_and_returns, "without_failed"):
        maker.compute_advantages_and_returns = without_failed(maker.compute_advantages_and_returns)


def without_failed(plain: Callable[..., Any]) -> Callable[..., Any]:
    """compute_advantages_and_returns for batches in which rewards may be NaN.

    Rewards are shaped here, per group and over those that have one; what remains for OpenRLHF (KL, whitening over all
    tokens, returns) sees shaped rewards whose group mean is 0 already, and failed samples without any token. Their
    advantages and returns are 0, and so are those of a group with fewer than two rewards.
    """

    @functools.wraps(plain)
    def compute(self: Any, experiences: list[Any]) -> list[Any]:
        import torch

        if not any(torch.isnan(e.rewards).any() for e in experiences):
            return list(plain(self, experiences))
        settings = self.strategy.args.algo.advantage
        estimator = settings.estimator
        _penalise(self, experiences)
        failed = [torch.isnan(e.rewards) for e in experiences]
        _report(experiences, failed)
        _shape(experiences, estimator, self.strategy.args.rollout.n_samples_per_prompt, failed)
        masks = [e.action_mask for e in experiences]
        for experience, lost in zip(experiences, failed, strict=True):
            experience.action_mask = experience.action_mask.clone()
            experience.action_mask[lost] = 0  # no token of theirs counts
        info = [e.info.get("reward") for e in experiences]
        reward = self.strategy.args.reward
        kept = {name: getattr(reward, name) for name in _PENALTIES if hasattr(reward, name)}
        try:
            for name in kept:
                setattr(reward, name, None)  # applied above, before groups were compared
            if estimator in ("rloo", "group_norm"):
                settings.estimator = "dr_grpo"  # shaped already: only the mean is taken off, which is 0
            made = list(plain(self, experiences))
        finally:
            settings.estimator = estimator
            for name, value in kept.items():
                setattr(reward, name, value)
        for experience, lost, mask, paid in zip(made, failed, masks, info, strict=True):
            experience.action_mask = mask
            if paid is not None:
                experience.info["reward"] = paid
            experience.advantages[lost] = 0
            experience.returns[lost] = 0
        return made

    compute.without_failed = True  # type: ignore[attr-defined]
    return compute


def _penalise(maker: Any, experiences: list[Any]) -> None:
    """OpenRLHF's length penalties, which belong before groups are compared. A NaN stays one."""
    import torch
    from openrlhf.trainer.ppo_utils.length_penalty import apply_length_penalties

    for experience in experiences:
        experience.rewards = experience.rewards.to(torch.promote_types(experience.rewards.dtype, torch.float32))
    before = [torch.isnan(e.rewards) for e in experiences]
    apply_length_penalties(experiences, maker.strategy.args)
    for experience, lost in zip(experiences, before, strict=True):
        experience.rewards[lost] = math.nan  # a fixed penalty must not make a sample of it


def _report(experiences: list[Any], failed: list[Any]) -> None:
    """The log's rewards: those of the samples that have one, so that the mean over the batch is theirs."""
    import torch

    paid = torch.cat([e.rewards[~lost] for e, lost in zip(experiences, failed, strict=True)])
    mean = float(paid.mean()) if paid.numel() else 0.0
    for experience in experiences:
        for name in ("reward", "score"):
            if name in experience.info:
                experience.info[name] = torch.nan_to_num(experience.info[name].float(), nan=mean)


def _shape(experiences: list[Any], estimator: str, group: int, failed: list[Any]) -> None:
    """Rewards become what the estimator makes of them within the group that is left; failed ones become 0."""
    import torch

    order = torch.tensor([i for e in experiences for i in e.index])
    flat = torch.cat([e.rewards for e in experiences])
    by_prompt = torch.empty_like(flat)
    by_prompt[order] = flat
    shaped = torch.zeros_like(by_prompt)
    if estimator in _GROUPED and group > 1:
        for start in range(0, len(by_prompt), group):
            here = slice(start, start + group)
            paid = ~torch.isnan(by_prompt[here])
            if int(paid.sum()) > 1:
                shaped[here][paid] = _shaped(by_prompt[here][paid], estimator)
    elif estimator == "flash_reinforce":
        paid = ~torch.isnan(by_prompt)
        if bool(paid.any()):
            shaped[paid] = by_prompt[paid] - by_prompt[paid].mean()
    else:
        shaped = torch.nan_to_num(by_prompt, nan=0.0)
    for experience, values in zip(experiences, shaped[order].split([len(e.index) for e in experiences]), strict=True):
        experience.rewards = values


def _shaped(rewards: Any, estimator: str) -> Any:
    if estimator == "rloo":
        return rewards - (rewards.sum() - rewards) / (len(rewards) - 1)
    centred = rewards - rewards.mean()
    return centred / (rewards.std() + 1e-9) if estimator == "group_norm" else centred
